"""What lies in the archive of WAL, by its keys alone. src/catalog/FORMAT.md says what they look like."""

import re
from datetime import UTC, datetime

WAL = re.compile(
    r"(?P<file>[0-9A-F]{24}|[0-9A-F]{8}\.history)(?:-(?P<end>[0-9A-F]{16}))?-(?P<identifier>\d{1,20})-(?P<hash>[0-9a-f]{16})"
    r"(?P<partial>\.partial)?\.zst(?:\.enc)?"
)
MARK = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)T(?P<hours>\d\d)-(?P<minutes>\d\d)-(?P<seconds>\d\d\.\d{3})Z"
    r"-(?P<timeline>[0-9A-F]{8})-(?P<lsn>[0-9A-F]{16})-(?P<identifier>\d{1,20})\.json"
)


class Archive:
    """
    The WAL and the marks of one cluster. Objects of other clusters are left aside; so is WAL that is not encrypted where there is a key:
    nothing says who wrote it, and it must not stand in the way of what is.
    """

    def __init__(self, listing, system, identifier, segment_bytes, has_key):
        self.segment_bytes = segment_bytes
        self.has_key = has_key
        self.segments = {}  # (timeline, number) → hash → key
        self.partials = {}  # (timeline, number) → end → hash → key
        self.histories = {}  # timeline → hash → key
        self.marks = []  # (moment, timeline, lsn, key), ascending
        place = re.compile(rf"(?:^|[ /])({re.escape(system)}/(wal|marks)/\d{{4}}/\d\d/\d\d/([^/]+))$")
        with open(listing, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                found = place.search(line.rstrip("\n"))
                if found:
                    self.add(found[2], found[1], found[3], identifier)
        self.marks.sort()

    def add(self, kind, key, name, identifier):
        found = (WAL if kind == "wal" else MARK).fullmatch(name)
        if found is None or found["identifier"] != identifier:
            return
        if kind == "wal" and self.has_key and not name.endswith(".enc"):
            return
        if kind == "marks":
            moment = datetime.fromisoformat(f"{found['day']}T{found['hours']}:{found['minutes']}:{found['seconds']}").replace(tzinfo=UTC)
            self.marks.append((moment, int(found["timeline"], 16), int(found["lsn"], 16), key))
        elif found["file"].endswith(".history"):
            self.histories.setdefault(int(found["file"][:8], 16), {})[found["hash"]] = key
        elif found["partial"]:
            ends = self.partials.setdefault(self.position(found["file"]), {})
            ends.setdefault(int(found["end"], 16), {})[found["hash"]] = key
        elif found["end"] is None:
            self.segments.setdefault(self.position(found["file"]), {})[found["hash"]] = key

    def has_timeline(self, timeline):
        return any(each == timeline for each, _ in (*self.segments, *self.partials))

    def known_timelines(self):
        """Those of which there is WAL, and the way to them."""
        archived = {timeline for timeline, _ in (*self.segments, *self.partials)}
        return {timeline for timeline in archived if timeline == 1 or len(self.histories.get(timeline, {})) == 1}

    def position(self, name):
        per_log = 2**32 // self.segment_bytes
        return int(name[:8], 16), int(name[8:16], 16) * per_log + int(name[16:], 16)

    def name(self, timeline, number):
        per_log = 2**32 // self.segment_bytes
        return f"{timeline:08X}{number // per_log:08X}{number % per_log:08X}"

    def file(self, timeline, number):
        """@returns where the file ends, and its key; None where there is none, or where two contents claim its name"""
        contents = self.segments.get((timeline, number))
        if contents is not None:
            return ((number + 1) * self.segment_bytes, *contents.values()) if len(contents) == 1 else None
        ends = self.partials.get((timeline, number), {})
        whole = [(end, *contents.values()) for end, contents in ends.items() if len(contents) == 1]
        return max(whole, default=None)

    def follow(self, lineage, start, goal):
        """
        The unbroken WAL of a lineage from a position to a goal, or to its end where the goal is None. A segment that holds a switch
        is there under the old timeline or the new one; the file that reaches furthest is taken.
        @returns a list of (timeline, number, key), and where it ends
        """
        files, end, number = [], start, start // self.segment_bytes
        while goal is None or end < goal:
            begin, close = number * self.segment_bytes, (number + 1) * self.segment_bytes
            best = None
            for timeline, begins, leaves in reversed(lineage):
                found = self.file(timeline, number)
                if found is None or begins >= close or (leaves is not None and leaves <= begin):
                    continue
                reach = found[0] if leaves is None else min(found[0], leaves)
                if best is None or reach > best[0]:
                    best = (reach, timeline, found[1])
            if best is None or best[0] <= end:
                break
            end = best[0]
            files.append((best[1], number, best[2]))
            if end < close:
                break
            number += 1
        return files, end
