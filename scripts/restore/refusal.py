"""How these programs say no: what failed on what, then what to do next, and an exit status of `restore_db.sh --help`."""

import contextlib
import os
import sys

USAGE, NOT_FOUND, DAMAGED, LOCAL = 2, 4, 8, 9


class Refusal(Exception):
    def __init__(self, status, message, hint):
        super().__init__(message)
        self.status = status
        self.hint = hint


def run(main):
    """Runs a program's `main`; a refusal or a failing disk ends it with one message and its status."""
    try:
        main()
        sys.stdout.flush()
    except Refusal as refusal:
        end(refusal.status, refusal, refusal.hint)
    except OSError as error:
        end(LOCAL, error, "check the disk, and the permissions of the file")
    leave(0)


def end(status, message, hint):
    print(f"error: {message}\n  {hint}", file=sys.stderr)
    # What was said before; where that cannot be written, this is the failure.
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    leave(status)


def leave(status):
    """Not left to the interpreter, which takes 0.3 s to take the Encryption SDK apart."""
    sys.stderr.flush()
    os._exit(status)
