"""Which archived WAL brings a backup to a moment.

usage: plan_wal.py histories FACTS LISTING [KEY-FILE ...]                       prints the keys of the history files
       plan_wal.py marks FACTS LISTING WHEN TIMELINE FETCHED [KEY-FILE ...]     prints the keys of marks that may prove the moment
       plan_wal.py plan FACTS LISTING WHEN TIMELINE FETCHED [KEY-FILE ...]      prints the plan

FACTS is what open_backup.py --check printed, with what `choose_backup.py ends` printed behind it where there are other backups. LISTING
has a key of the repository at the end of each line, FETCHED has the objects that were asked for before, under their keys. WHEN is `latest`
or ISO 8601 with a zone. TIMELINE is a number, or - for the one that was current then.
The plan has lines of a name and values: `mode` (backup: nothing is archived behind it; time; end: all that is archived; left: the backup
is not on the way to the timeline, so an older backup is needed), `timeline`, `newer` (a timeline that is not known to have what was there then),
`reach` (a position recovery must come to), `file` (name, key).
"""

import hmac
import json
import os
import sys

from manifest import canonical, damaged, moment, read_key, sign
from open_wal import open_object
from refusal import DAMAGED, NOT_FOUND, USAGE, Refusal, run
from sealed import KeyFiles
from timeline_at import has, timeline_at
from wal_archive import Archive

OLDER = "ask for an earlier time, or for the end of the backup with --to-backup-end"


def main():
    command, facts_file, listing, *rest = sys.argv[1:]
    with open(facts_file, encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t", 1) for line in file]
    facts = {name: value for name, value in lines if name not in ("artifact", "end")}
    ends = [read_end(*value.split("\t")) for name, value in lines if name == "end"]
    key_files = rest if command == "histories" else rest[3:]
    archive = Archive(listing, facts["system"], facts["identifier"], int(facts["segment"]), bool(key_files))
    if command == "histories":
        print_all(key for contents in archive.histories.values() for key in contents.values())
        return
    when, wanted, fetched = rest[:3]
    try:
        question = Question(facts, ends, archive, when, wanted, fetched, key_files)
        if command == "marks":
            print_all(key for _, _, _, key in question.proofs()[:4])
        else:
            question.plan()
    except LeftTimeline as left:
        if command == "plan":
            print("mode", "left", sep="\t")
            print("timeline", left.timeline, sep="\t")


def read_end(timeline, stop, stopped):
    return moment(stopped), int(timeline), lsn_of(stop)


def print_all(keys):
    for key in keys:
        print(key)


class LeftTimeline(Exception):
    """The backup ended behind where the way to the timeline leaves its own."""

    def __init__(self, timeline):
        super().__init__()
        self.timeline = timeline


class Question:
    def __init__(self, facts, ends, archive, when, wanted, fetched, key_files):
        self.facts, self.archive, self.fetched, self.key_files = facts, archive, fetched, key_files
        self.when = None if when == "latest" else moment(when)
        self.stop, self.stopped = lsn_of(facts["stop"]), moment(facts["stopped"])
        self.own = int(facts["timeline"])
        self.ends = [*ends, (self.stopped, self.own, self.stop)]
        self.marks = [mark[:3] for mark in archive.marks]
        # A promotion makes a higher timeline than all before it: what is newer on a lower one is an old primary's that is back.
        self.stated = {*archive.known_timelines(), *(each[1] for each in (*self.ends, *self.marks))}
        self.named = wanted != "-"
        self.timeline = int(wanted) if self.named else self.current()

    def current(self):
        if self.when is None:
            return max(self.stated)
        if not self.has_wal():
            return self.own
        return timeline_at(self.when, self.marks, self.ends, {each: self.way_to(each) for each in self.stated})

    def plan(self):
        lineage = self.lineage()
        proven = self.proven()
        # The end of the backup is the moment it is known for, whatever else is proven.
        if proven is None and self.when not in (None, self.stopped) and self.has_wal():
            latest = self.archive.marks[-1][0].isoformat() if self.archive.marks else "nothing but the ends of backups"
            raise Refusal(NOT_FOUND, f"nothing proves that the archive goes as far as {self.when.isoformat()}", f"it proves {latest}; {OLDER}")
        goal = proven[2] if proven is not None else None
        if proven is None and self.when is not None:
            print("mode", "backup", sep="\t")
            return
        files, end = self.archive.follow(lineage, self.stop, None if self.when is None else goal)
        if goal is not None and max(end, self.stop) < goal:
            self.refuse_gap(lineage, end)
        if not files:
            print("mode", "backup", sep="\t")
            return
        print("mode", "end" if self.when is None else "time", sep="\t")
        print("timeline", self.timeline, sep="\t")
        if not self.named and self.timeline < max(self.stated):
            print("newer", max(self.stated), sep="\t")
        print("reach", goal or self.stop, sep="\t")
        for timeline, number, key in files:
            print("file", self.archive.name(timeline, number), key, sep="\t")
        for timeline, contents in self.archive.histories.items():
            if len(contents) == 1:
                print("file", f"{timeline:08X}.history", *contents.values(), sep="\t")

    def has_wal(self):
        return bool(self.archive.segments or self.archive.partials)

    def proofs(self):
        """Marks on the way to the timeline, those that prove the moment best first."""
        leaves = {timeline: leave for timeline, _, leave in self.lineage()}
        # At the very switch a mark may be of the old server, that stood still there while the new one was at work.
        on_way = [
            mark for mark in self.archive.marks if mark[1] in leaves and (leaves[mark[1]] is None or mark[2] < leaves[mark[1]])
        ]
        if self.when is None:
            return on_way[::-1]
        return [mark for mark in on_way if mark[0] >= self.when]

    def proven(self):
        """The first of the marks that can be trusted."""
        for mark in self.proofs()[:4]:
            path = os.path.join(self.fetched, mark[3])
            try:
                check_mark(path, mark, self.facts, self.key_files)
                return mark
            except Refusal as refusal:
                print(f"left aside: {refusal}", file=sys.stderr)
        return None

    def lineage(self):
        """@returns (timeline, where it begins, where it is left or None), the oldest first"""
        lineage = self.read_lineage(self.timeline)
        way = {timeline: leaves for timeline, _, leaves in lineage}
        if not has(way, (None, self.own, self.stop)):
            raise LeftTimeline(self.timeline)
        return lineage

    def way_to(self, timeline):
        """@returns timeline → where it is left; of one the way to which is not known only itself"""
        try:
            return {each: leaves for each, _, leaves in self.read_lineage(timeline)}
        except Refusal:
            return {timeline: None}

    def read_lineage(self, timeline):
        if timeline == 1:
            return [(1, 0, None)]
        contents = self.archive.histories.get(timeline, {})
        name = f"{timeline:08X}.history"
        if not contents and timeline == self.own and not self.archive.has_timeline(timeline):
            return [(timeline, 0, None)]
        if len(contents) != 1:
            what = f"{name} is missing" if not contents else f"{name} has two contents"
            raise Refusal(DAMAGED, f"{what}, so nobody knows the way to timeline {timeline}", f"name another --timeline; or {OLDER}")
        (key,) = contents.values()
        path = os.path.join(self.fetched, key)
        text = open_object(path, key, self.facts["system"], KeyFiles(self.key_files)).decode("utf-8", "replace")
        entries = [line.split(None, 2) for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        lineage, leave = [(timeline, 0, None)], None
        for ancestor, position, *_ in reversed(entries):
            # One that began behind where the way left is listed all the same: nothing from there on is on it.
            leave = lsn_of(position) if leave is None else min(leave, lsn_of(position))
            (on, _, end), lineage = lineage[0], lineage[1:]
            lineage = [(int(ancestor), 0, leave), (on, leave, end), *lineage]
        return lineage

    def refuse_gap(self, lineage, end):
        number = end // self.archive.segment_bytes
        owner = next(
            timeline for timeline, begins, _ in reversed(lineage) if begins < (number + 1) * self.archive.segment_bytes
        )
        before = [mark[0] for mark in self.archive.marks if mark[0] > self.stopped and mark[1] in {each[0] for each in lineage} and mark[2] <= end]
        hint = f"what was there until {max(before).isoformat()} can be had; {OLDER}" if before else OLDER
        raise Refusal(DAMAGED, f"{self.archive.name(owner, number)} is missing in the archive, or there with two contents", hint)


def check_mark(path, mark, facts, key_files):
    with open(path, "rb") as file:
        text = file.read(4097).decode("utf-8", "replace")
    try:
        document = json.loads(text)
        if len(text) > 4096 or canonical(document) + "\n" != text:
            raise damaged(path, "is not in the form Holdfast writes")
        signature = document.pop("hmac", None)
        says = (moment(document["at"]), document["timeline"], lsn_of(document["lsn"]), document["systemIdentifier"], document["system"])
        if says != (*mark[:3], facts["identifier"], facts["system"]) or document["formatVersion"] != 1:
            raise damaged(path, "says something else than its key")
        if signature is None and key_files:
            raise damaged(path, "is not signed, and must be where there is a key")
        keys = [read_key(each) for each in key_files]
        if signature is not None and not any(hmac.compare_digest(sign(document, key, "mark"), signature["value"]) for key in keys):
            raise damaged(path, "is altered, or signed with another key than those given")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise damaged(path, f"is no mark: {error}") from None


def lsn_of(text):
    high, low = text.split("/")
    return (int(high, 16) << 32) | int(low, 16)


if __name__ == "__main__":
    run(main)
