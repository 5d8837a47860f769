"""A manifest as found in a repository, which nobody vouches for. src/catalog/FORMAT.md says what it must be."""

import base64
import hashlib
import hmac
import json
import re
from datetime import datetime

from refusal import DAMAGED, USAGE, Refusal

LIMIT_BYTES = 256 * 1024
SYSTEM = r"[a-z0-9][a-z0-9_-]{0,62}"
KINDS = "full|incremental|differential|logical"
ROLES = ("base", "tablespace", "wal", "backup-manifest", "configuration", "inventory")
OTHER_COPY = "restore from another copy of the repository, or name an earlier time"


def read_manifest(path):
    """@returns the manifest without its HMAC, and the HMAC or None. Version, form and names are checked, the HMAC is not."""
    with open(path, "rb") as file:
        data = file.read(LIMIT_BYTES + 1)
    try:
        text = data.decode("utf-8")
        manifest = json.loads(text)
    except (ValueError, RecursionError):
        raise damaged(path, "is not JSON") from None
    if not isinstance(manifest, dict):
        raise damaged(path, "is not a JSON object")
    version = manifest.get("formatVersion")
    if type(version) is not int or version != 1:
        what = f"{path} has format version {version!r:.40}; this program reads 1"
        raise Refusal(DAMAGED, what, "use that of the release that made the backup")
    # One form only, so that nothing hides in spacing or in members that are there twice.
    if len(data) > LIMIT_BYTES or canonical(manifest) + "\n" != text:
        raise damaged(path, "is not in the form Holdfast writes")
    try:
        check_members(path, manifest)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise damaged(path, f"lacks a member or has another kind of value: {error}") from None
    signature = manifest.pop("hmac", None)
    return manifest, signature


def find_key(manifest, signature, key_files):
    """@returns the bytes of the key that signed it, whichever file has it; None where nothing is signed or encrypted."""
    subject = f"the manifest of {manifest['backup']}"
    encrypted = manifest["encryption"]["format"] != "none"
    if signature is None:
        if encrypted or key_files:
            raise damaged(subject, "is not signed, and must be where there is a key", "without encryption, restore without a key")
        return None
    key_id = signature["keyId"]
    if encrypted and key_id != manifest["encryption"]["keyId"]:
        raise damaged(subject, "is signed with another key than its artifacts are encrypted with")
    if not key_files:
        raise Refusal(DAMAGED, f'{subject} needs the key "{key_id}"', f"name its file: --key {key_id}.key")
    for key_file in key_files:
        key = read_key(key_file)
        if hmac.compare_digest(sign(manifest, key), signature["value"]):
            return key
    tried = ", ".join(key_files)
    hint = f'give the file of the key "{key_id}"; if it is among them, the manifest was altered: {OTHER_COPY}'
    raise Refusal(DAMAGED, f"{subject} is altered, or of another key: its HMAC is not that of any key given ({tried})", hint)


def read_key(path):
    try:
        with open(path, encoding="ascii") as file:
            text = file.read(1024).strip()
        key = bytes.fromhex(text) if len(text) == 64 else decode_base64(text)
    except OSError as error:
        raise Refusal(USAGE, f"cannot read the key in {path}: {error.strerror}", "check the path and who you are") from None
    except ValueError:
        key = b""
    if len(key) != 32:
        what = f"{path} does not hold a key: 32 bytes in base64, base64url or hex"
        raise Refusal(USAGE, what, "give the file the configuration named")
    return key


def moment(text):
    """@returns an ISO 8601 time, which must have a zone"""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return found


def damaged(path, what, hint=OTHER_COPY):
    return Refusal(DAMAGED, f"{path} {what}", hint)


def canonical(manifest):
    return json.dumps(manifest, sort_keys=True, indent=2, ensure_ascii=False)


def sign(document, key, kind="manifest"):
    """@param kind manifest or mark: none can pass for the other"""
    prk = hmac.new(bytes(32), key, hashlib.sha256).digest()  # HKDF: extract with an empty salt,
    derived = hmac.new(prk, f"holdfast {kind} v1\x01".encode(), hashlib.sha256).digest()  # expand to 32 bytes
    return hmac.new(derived, canonical(document).encode(), hashlib.sha256).hexdigest()


def decode_base64(text):
    text = text.translate(str.maketrans("-_", "+/"))
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def check_members(path, manifest):
    """What is used must be there and hold nothing that leads elsewhere: names become paths and arguments of programs."""
    backup = demand(path, manifest["backup"], rf"{SYSTEM}_({KINDS})_\d{{4}}-\d\d-\d\dT\d\d-\d\d-\d\dZ")
    demand(path, manifest["attempt"], r"a[1-9][0-9]{0,3}")
    if not backup.startswith(f"{manifest['system']}_{manifest['kind']}_"):
        raise damaged(path, f"is of another system or kind than its backup {backup}")
    moment(manifest["stoppedAt"])
    facts, encryption = manifest["facts"], manifest["encryption"]
    demand(path, facts["engine"], "postgres")
    demand(path, facts["systemIdentifier"], r"[0-9]{1,20}")
    for name in ("startLsn", "stopLsn"):
        demand(path, facts[name], r"[0-9A-F]{1,8}/[0-9A-F]{1,8}")
    for name in ("serverVersionNumber", "timeline", "dataBytes", "segmentSizeBytes"):
        demand(path, str(facts[name]), r"[0-9]+")
    demand(path, encryption["format"], "none|aws-encryption-sdk")
    for holder in [encryption] if encryption["format"] != "none" else []:
        demand(path, holder["keyId"], r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
    if "hmac" in manifest:
        demand(path, manifest["hmac"]["keyId"], r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
        demand(path, manifest["hmac"]["value"], r"[0-9a-f]{64}")
    for artifact in manifest["artifacts"]:
        demand(path, artifact["name"], r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
        demand(path, artifact["role"], "|".join(ROLES))
        demand(path, artifact["sha256"], r"[0-9a-f]{64}")
        demand(path, str(artifact["sizeBytes"]), r"[0-9]+")
        if artifact["role"] == "tablespace":
            demand(path, artifact["tablespace"], r"[1-9][0-9]{0,9}")
    names = [artifact["name"] for artifact in manifest["artifacts"]]
    held = [artifact["tablespace"] for artifact in manifest["artifacts"] if artifact["role"] == "tablespace"]
    if len(set(names)) != len(names) or sorted(held) != sorted(each["oid"] for each in facts["tablespaces"]):
        raise damaged(path, "names an artifact twice, or other tablespaces than it has artifacts of")


def demand(path, value, pattern):
    if not isinstance(value, str) or re.fullmatch(pattern, value, re.ASCII) is None:
        raise damaged(path, f"holds {value!r:.80}, which it may not (/{pattern}/)")
    return value
