"""Refuses WAL with a CREATE TABLESPACE that replay would apply: it names the original's directory, and would lead the new server into it.

usage: new_tablespace.py SEGMENT-BYTES START DIRECTORY [DIRECTORY ...]

START is where replay begins, as PostgreSQL writes positions. Every segment in the directories is read from there on, each by itself.
"""

import os
import re
import sys

from refusal import NOT_FOUND, Refusal, run

# access/xlog_internal.h, access/xlogrecord.h: page headers, and the header of a record, which begins at a multiple of 8.
HEADER, LONG_HEADER, RECORD, INFO = 24, 40, 24, 16
# RM_TBLSPC_ID and XLOG_TBLSPC_CREATE, without the flags a record of any kind may have.
MANAGER, CREATE, KIND = 5, 0x00, 0xF0


def main():
    segment_bytes, start, *directories = sys.argv[1:]
    high, low = (int(part, 16) for part in start.split("/"))
    for directory in directories:
        for name in sorted(os.listdir(directory)):
            if re.fullmatch(r"[0-9A-F]{24}", name):
                check(os.path.join(directory, name), int(segment_bytes), high << 32 | low)


def check(path, segment_bytes, replay_from):
    name = os.path.basename(path)
    with open(path, "rb") as file:
        segment = file.read(segment_bytes)
    begin = (int(name[8:16], 16) << 32) + int(name[16:], 16) * segment_bytes
    for at in new_tablespaces(segment, begin):
        if begin + at >= replay_from:
            position = f"{begin + at >> 32:X}/{begin + at & 0xFFFFFFFF:X}"
            what = f"the original made a tablespace at {position}, after this backup began: replaying that would lead into its own directory"
            raise Refusal(NOT_FOUND, what, "name an earlier time, or restore a backup that began later, with --to-backup-end or to a time after it")


def new_tablespaces(segment, begin):
    """Where such records begin; one whose header began in the segment before, and goes on here, at 8 or 16 bytes before the beginning."""
    page_bytes = number(segment, 36)
    if page_bytes < 1024:
        return
    for page in range(0, len(segment), page_bytes):
        if int.from_bytes(segment[page + 8 : page + 16], "little") != begin + page:
            return  # Nobody has written on: replay ends here as well.
        rest = number(segment, page + 16)
        if page == 0:
            yield from begun_before(segment, rest)
        at = page + (LONG_HEADER if page == 0 else HEADER) + (rest + 7) // 8 * 8
        end = page + page_bytes
        while at < end and (size := number(segment, at)):
            kind = at + INFO if at + INFO < end else at + INFO + HEADER
            if kind + 1 < len(segment) and segment[kind + 1] == MANAGER and segment[kind] & KIND == CREATE:
                yield at
            at += (size + 7) // 8 * 8


def begun_before(segment, rest):
    """All that is known of it has to fit, its data and their length included (XLR_BLOCK_ID_DATA_SHORT and _LONG)."""
    for before in (8, 16):
        kind, data, length = LONG_HEADER + INFO - before, LONG_HEADER + RECORD - before, rest + before - RECORD
        is_whole = segment[data : data + 2] == bytes([255, (length - 2) & 0xFF]) or (segment[data], number(segment, data + 1)) == (254, length - 5)
        if segment[kind : kind + 4] == bytes([CREATE, MANAGER, 0, 0]) and is_whole:
            yield -before


def number(data, at):
    return int.from_bytes(data[at : at + 4], "little")


if __name__ == "__main__":
    run(main)
