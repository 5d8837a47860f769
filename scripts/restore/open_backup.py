"""Checks a backup's manifest and artifacts, and decrypts them.

usage: open_backup.py BACKUP OPENED [KEY-FILE ...]     checks everything and decrypts it into the new directory OPENED
       open_backup.py --check BACKUP [KEY-FILE ...]    checks the manifest alone and tells what it says

BACKUP holds manifest.json and the directory of the attempt, as a repository does. Of several keys the one is taken that
the manifest is signed with. Encrypted backups need: pip install aws-encryption-sdk aws-cryptographic-material-providers
"""

import hashlib
import os
import sys

from manifest import OTHER_COPY, find_key, read_manifest
from refusal import DAMAGED, USAGE, Refusal, run
from sealed import CHUNK_BYTES, Damage, decryption


def main():
    if len(sys.argv) < 3:
        raise Refusal(USAGE, "two arguments are missing", __doc__.strip())
    if sys.argv[1] == "--check":
        manifest, _ = read_checked(sys.argv[2], sys.argv[3:])
        describe(manifest)
        return
    source, target = sys.argv[1:3]
    manifest, key = read_checked(source, sys.argv[3:])
    os.mkdir(target, 0o700)
    decrypt = None if manifest["encryption"]["format"] == "none" else artifact_decryption(manifest, key)
    for artifact in manifest["artifacts"]:
        name = artifact["name"]
        try:
            open_artifact(os.path.join(source, manifest["attempt"], name), target, artifact, decrypt)
        except Damage as damage:
            raise Refusal(DAMAGED, f"{name} of {manifest['backup']} {damage}", OTHER_COPY) from None
        print("intact:", name)


def read_checked(source, key_files):
    path = os.path.join(source, "manifest.json")
    manifest, signature = read_manifest(path)
    return manifest, find_key(manifest, signature, key_files)


def describe(manifest):
    """Lines of a name and values, separated by tabs, for the shell. None of the values holds a blank."""
    facts = manifest["facts"]
    print("backup", manifest["backup"], sep="\t")
    print("attempt", manifest["attempt"], sep="\t")
    print("encryption", manifest["encryption"]["format"], sep="\t")
    print("major", facts["serverVersionNumber"] // 10_000, sep="\t")
    print("identifier", facts["systemIdentifier"], sep="\t")
    print("timeline", facts["timeline"], sep="\t")
    print("system", manifest["system"], sep="\t")
    print("stopped", manifest["stoppedAt"], sep="\t")
    print("start", facts["startLsn"], sep="\t")
    print("stop", facts["stopLsn"], sep="\t")
    print("segment", facts["segmentSizeBytes"], sep="\t")
    print("bytes", facts["dataBytes"], sep="\t")
    for artifact in manifest["artifacts"]:
        print("artifact", artifact["role"], artifact.get("tablespace", "-"), artifact["name"], artifact["sizeBytes"], sep="\t")


def artifact_decryption(manifest, key):
    decrypt = decryption(manifest["encryption"]["keyId"], key)
    context = {"system": manifest["system"], "backup": manifest["backup"]}
    return lambda source, name: decrypt(source, context | {"artifact": name})


def open_artifact(path, target, artifact, decrypt):
    """The bytes that are checked are the bytes that are used: the file is read once. What is not intact is not kept."""
    result = os.path.join(target, artifact["name"].removesuffix(".enc"))
    failure = None
    try:
        with open(path, "rb") as file, open(result, "xb") as plain:
            source = HashedReader(file)
            try:
                for chunk in decrypt(source, artifact["name"]) if decrypt else iter(lambda: source.read(CHUNK_BYTES), b""):
                    plain.write(chunk)
            except OSError:
                raise
            except Exception as error:  # the SDK's own kinds have no common ancestor
                failure = error
            while source.read(CHUNK_BYTES):
                pass
        if source.digest.hexdigest() != artifact["sha256"]:
            raise Damage("is damaged: its SHA-256 is not that of the manifest")
        if failure is not None:
            raise Damage(f"cannot be decrypted: {failure}")
    except FileNotFoundError:
        raise Damage("is missing") from None
    except BaseException:
        if os.path.exists(result):
            os.unlink(result)
        raise


class HashedReader:
    """What the SDK and we read of a file, hashed as it passes."""

    def __init__(self, file):
        self.file = file
        self.digest = hashlib.sha256()

    def read(self, size=-1):
        data = self.file.read(size)
        self.digest.update(data)
        return data


run(main)
