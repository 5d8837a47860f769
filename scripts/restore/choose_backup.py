"""Which full backups are there, and which is the newest at or before a time.

usage: choose_backup.py list ROOT [SYSTEM]
       choose_backup.py choose ROOT WHEN SYSTEM TIMELINE [LEFT ...]     prints the chosen one's directory below ROOT
       choose_backup.py ends ROOT SYSTEM IDENTIFIER                     prints where the backups of a cluster ended, for plan_wal.py

SYSTEM may be empty for `choose`. TIMELINE is a number, of which no higher one is wanted, or -. LEFT are such directories that are not to be
chosen: not on the way to the timeline that is wanted.

ROOT has the shape of a repository and may hold nothing but manifests. WHEN is `latest` or ISO 8601 with a zone; it is
compared with `stoppedAt`, for what a backup holds is the state at its end.
"""

import glob
import os
import re
import sys
from datetime import UTC, datetime

from manifest import SYSTEM, damaged, moment, read_manifest
from refusal import DAMAGED, NOT_FOUND, USAGE, Refusal, run


def main():
    command, root, *rest = sys.argv[1:]
    if command == "list":
        list_backups(read_all(root, *rest))
        return
    if command == "ends":
        print_ends(read_all(root, rest[0]), rest[1])
        return
    when, system, timeline, *left = rest
    print(choose(read_all(root, system), parse_when(when), timeline, left))


def parse_when(text):
    if text == "latest":
        return datetime.max.replace(tzinfo=UTC)
    try:
        return moment(text)
    except ValueError:
        hint = "write it like 2026-01-10T03:30:00Z or 2026-01-10T04:30:00+01:00, or `latest`"
        raise Refusal(USAGE, f'"{text}" is not a time with a zone', hint) from None


def read_all(root, system=None):
    """@returns `{ place, system, due, manifest }` or `{ place, system, due, problem }` of each full backup, by the time it was due"""
    backups = []
    pattern = os.path.join(glob.escape(root), system or "*", "full", "*", "*", "*", "*", "manifest.json")
    for path in glob.glob(pattern):
        place = os.path.dirname(os.path.relpath(path, root))
        backup = place_of(place)
        if backup is None:
            continue
        try:
            manifest, _ = read_manifest(path)
            if manifest["backup"] != os.path.basename(place):
                raise damaged(path, f"is that of {manifest['backup']}")
            backups.append(backup | {"manifest": manifest})
        except Refusal as problem:
            backups.append(backup | {"problem": problem})
    return sorted(backups, key=lambda backup: (backup["system"], backup["due"]))


def place_of(place):
    """@returns what a backup's directory says; None for what is no such directory"""
    found = re.fullmatch(rf"({SYSTEM})/full/(\d{{4}})/(\d\d)/(\d\d)/\1_full_\2-\3-\4T(\d\d)-(\d\d)-(\d\d)Z", place, re.ASCII)
    try:
        return found and {"place": place, "system": found[1], "due": datetime(*map(int, found.groups()[1:]), tzinfo=UTC)}
    except ValueError:
        return None


def choose(backups, when, timeline, left):
    systems = sorted({backup["system"] for backup in backups})
    if len(systems) > 1:
        raise Refusal(USAGE, f"there are several systems: {', '.join(systems)}", "name one with --system")
    readable = [backup for backup in backups if "manifest" in backup and ended(backup) <= when and backup["place"] not in left]
    if timeline != "-":
        readable = [backup for backup in readable if backup["manifest"]["facts"]["timeline"] <= int(timeline)]
    newest = max(readable, key=lambda backup: (ended(backup), backup["place"]), default=None)
    chosen = newest and highest(readable, newest)
    # One that cannot be read and was due later holds a newer state, for a system is captured once at a time. The older is
    # only restored on demand.
    for backup in reversed(backups):
        if "problem" in backup and backup["due"] <= when and (chosen is None or backup["due"] > ended(chosen)):
            problem, instead = backup["problem"], "there is none before it"
            if chosen is not None:
                instead = f"to restore the one before it, ask for {chosen['manifest']['stoppedAt']}"
            raise Refusal(DAMAGED, f"{problem}, and it may be the newest at that time", f"{problem.hint}; {instead}")
    if chosen is None and left:
        hint = f"name the --timeline of {os.path.basename(left[0])} to restore it"
        raise Refusal(NOT_FOUND, f"no full backup is on the way to {describe(timeline, when)}", hint)
    if chosen is None:
        first = min((ended(backup) for backup in backups if "manifest" in backup), default=None)
        hint = "check --from and --system" if first is None else f"the first ended at {first.isoformat()}; --list shows all"
        raise Refusal(NOT_FOUND, "there is no full backup that ended at or before that time", hint)
    if chosen is not newest and not left:
        name, number = os.path.basename(newest["place"]), newest["manifest"]["facts"]["timeline"]
        print(
            f"left aside: {name} ended later, but on timeline {number}, and {os.path.basename(chosen['place'])} is of a higher one: "
            f"if an old primary is back, fence it; --timeline {number} restores what it holds",
            file=sys.stderr,
        )
    return chosen["place"]


def highest(backups, newest):
    """Of a cluster the backup of the highest timeline: a newer one of a lower is an old primary's that is back."""
    identifier = newest["manifest"]["facts"]["systemIdentifier"]
    same = [backup for backup in backups if backup["manifest"]["facts"]["systemIdentifier"] == identifier]
    return max(same, key=lambda backup: (backup["manifest"]["facts"]["timeline"], ended(backup), backup["place"]))


def describe(timeline, when):
    if timeline != "-":
        return f"timeline {timeline}"
    return "the highest timeline that was archived" if when.year == datetime.max.year else "the timeline that was current then"


def print_ends(backups, identifier):
    for backup in backups:
        facts = backup["manifest"]["facts"] if "manifest" in backup else {}
        if facts.get("systemIdentifier") == identifier:
            print("end", facts["timeline"], facts["stopLsn"], backup["manifest"]["stoppedAt"], sep="\t")


def ended(backup):
    return moment(backup["manifest"]["stoppedAt"])


def list_backups(backups):
    if not backups:
        raise Refusal(NOT_FOUND, "there is no full backup", "check --from and --system")
    rows = [("ENDED", "BACKUP", "POSTGRESQL", "BYTES", "KEY")]
    for backup in backups:
        name = os.path.basename(backup["place"])
        if "problem" in backup:
            rows.append(("?", name, "", "", f"cannot be read: {backup['problem']}"))
            continue
        manifest = backup["manifest"]
        size = sum(artifact["sizeBytes"] for artifact in manifest["artifacts"])
        version = str(manifest["facts"]["serverVersionNumber"] // 10_000)
        rows.append((manifest["stoppedAt"], name, version, str(size), manifest["encryption"].get("keyId", "none")))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[4]]))


run(main)
