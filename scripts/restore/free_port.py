"""usage: free_port.py FIRST LAST    prints the first port of the range that nothing listens on at 127.0.0.1"""

import socket
import sys

from refusal import LOCAL, Refusal, run


def main():
    first, last = map(int, sys.argv[1:])
    for port in range(first, last + 1):
        if is_free(port):
            print(port)
            return
    raise Refusal(LOCAL, f"no port of {first} to {last} is free", "name another one with --port")


def is_free(port):
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


run(main)
