"""Which timeline has what was committed at a moment. src/domain/timeline-at.ts decides the same."""

from refusal import NOT_FOUND, Refusal


def timeline_at(when, marks, ends, ways):
    """
    A server that was set back, or a standby that was behind when it was promoted, leaves WAL behind that is on the way to the old timeline
    alone; the way to the new one has less of that time. So what was seen last before the moment, and first behind it, must be on the way.
    An old primary that is back does not count: its timeline is lower than one that was seen before.
    @param marks, ends (of backups): (moment, timeline, lsn)
    @param ways of each timeline: timeline → where it is left, or None
    @returns the highest whose way has both
    """
    seen = [*marks, *ends]
    timeline = max((each[1] for each in seen if each[0] <= when), default=None)
    if timeline is None:
        return max(ways)
    before = max((each for each in seen if each[1] == timeline and each[0] <= when), key=lambda each: each[2])
    # What was committed while a backup was being finished is behind its position.
    later = [each for each in marks if each[0] >= when and each[1] >= timeline] + [each for each in ends if each[0] > when and each[1] > timeline]
    after = min(later, default=before)
    holders = [each for each, way in ways.items() if has(way, before) and has(way, after)]
    if holders:
        return max(holders)
    if any(end[0] == when and end[1] == timeline for end in ends):
        return timeline
    left = "left it before that" if len(ways[after[1]]) > 1 else "has no history in the archive"
    known = f"the last that is known of timeline {timeline} is of {before[0].isoformat()}, and timeline {after[1]}, known from {after[0].isoformat()}, {left}"
    what = f"nothing tells what was there at {when.isoformat()}: {known}"
    raise Refusal(NOT_FOUND, what, f"ask for {before[0].isoformat()}, or add --timeline {after[1]} if you mean that one")


def has(way, seen):
    _, timeline, lsn = seen
    return timeline in way and (way[timeline] is None or lsn <= way[timeline])
