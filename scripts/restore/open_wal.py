"""Decrypts archived WAL, decompresses it and compares it with the hash in its name.

usage: open_wal.py SYSTEM SEGMENT-BYTES FETCHED OPENED [KEY-FILE ...] < PLAN

PLAN has a line `file`, name, key (separated by tabs) for each object, which lies in FETCHED under its key; the plain file is put into
OPENED under its name. Whatever is not what its name says is refused. Also used to open a single object by hand:

       open_wal.py --one SYSTEM OBJECT PLAIN [KEY-FILE ...]
"""

import hashlib
import os
import subprocess
import sys
import tempfile

from manifest import OTHER_COPY
from refusal import DAMAGED, USAGE, Refusal, run
from sealed import CHUNK_BYTES, Damage, KeyFiles
from wal_archive import WAL


def main():
    if len(sys.argv) > 4 and sys.argv[1] == "--one":
        system, path, plain, *key_files = sys.argv[2:]
        content = open_object(path, path, system, KeyFiles(key_files))
        with open(plain, "xb") as file:
            file.write(content)
        return
    if len(sys.argv) < 5:
        raise Refusal(USAGE, "arguments are missing", __doc__.strip())
    system, segment_bytes, fetched, opened, *key_files = sys.argv[1:]
    keys = KeyFiles(key_files)
    for line in sys.stdin:
        kind, *values = line.rstrip("\n").split("\t")
        if kind != "file":
            continue
        name, key = values
        content = open_object(os.path.join(fetched, key), key, system, keys)
        if not name.endswith(".history") and len(content) != int(segment_bytes):
            raise Refusal(DAMAGED, f"{key} has {len(content)} bytes, not the {segment_bytes} of a segment", OTHER_COPY)
        with open(os.path.join(opened, name), "xb") as file:
            file.write(content)


def open_object(path, key, system, keys):
    """@returns the plain file, which is what its key says. Segments have 16 MiB, or up to 1 GiB where the cluster was made so."""
    base = os.path.basename(key)
    found = WAL.fullmatch(base)
    if found is None:
        raise Refusal(USAGE, f"{base} is not the name of archived WAL", "see src/catalog/FORMAT.md")
    try:
        if not base.endswith(".enc"):
            if keys.paths:
                raise Damage("is not encrypted, and must be where there is a key: nothing says who wrote it")
            return checked(decompress(path), found["hash"])
        with tempfile.NamedTemporaryFile(dir=os.path.dirname(path) or ".", suffix=".zst") as compressed:
            for chunk in keys.decrypt(path, {"system": system, "wal": base.removesuffix(".enc").removesuffix(".zst")}):
                compressed.write(chunk)
            compressed.flush()
            return checked(decompress(compressed.name), found["hash"])
    except FileNotFoundError as error:
        raise Refusal(DAMAGED, f"{error.filename} is missing", OTHER_COPY) from None
    except Damage as damage:
        raise Refusal(DAMAGED, f"{base} {damage}", OTHER_COPY) from None


def decompress(path):
    limit = 2**30
    # As its input: it opens no links, and those of a repository in a directory lead there.
    with open(path, "rb") as source, subprocess.Popen(["zstd", "-dcq"], stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        chunks, size = [], 0
        while chunk := process.stdout.read(CHUNK_BYTES):
            size += len(chunk)
            if size > limit:
                process.kill()
                raise Damage("is larger than any segment")
            chunks.append(chunk)
        if process.wait() != 0:
            raise Damage(f"cannot be decompressed: {process.stderr.read().decode('utf-8', 'replace').strip()}")
    return b"".join(chunks)


def checked(content, expected):
    if hashlib.sha256(content).hexdigest()[:16] != expected:
        raise Damage("is damaged: its hash is not that in its name")
    return content


if __name__ == "__main__":
    run(main)
