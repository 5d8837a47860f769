import type { FileHandle } from 'node:fs/promises'
import { aligned, bodyAt, infoAt, readPage, recordBytes } from './wal-layout.js'

/** RM_XLOG_ID and XLOG_SWITCH: rmgrlist.h, pg_control.h. */
const managerAt = 17
const xlogManager = 0
const switchInfo = 0x40

/**
 * Was this segment left before it was full (`archive_timeout`, `pg_switch_wal`, the end of a backup)? Then the rest of it is empty, and the
 * server's position is its end all the same. Otherwise one that is empty at its end lacks something.
 */
export async function endsWithSwitch(segment: FileHandle, segmentBytes: number, pageBytes: number): Promise<boolean> {
  // All that was written comes first: the last page of it is looked for by halves.
  let [last, behind] = [0, segmentBytes / pageBytes]
  while (last + 1 < behind) {
    const middle = Math.floor((last + behind) / 2)
    const page = await readPage(segment, middle, pageBytes)
    if (page.readUInt16LE(0) === 0) behind = middle
    else last = middle
  }
  return lastRecordIsSwitch(await readPage(segment, last, pageBytes))
}

function lastRecordIsSwitch(page: Buffer): boolean {
  let at = bodyAt(page)
  let last: number | undefined
  for (; at + recordBytes <= page.length && page.readUInt32LE(at) !== 0; at += aligned(page.readUInt32LE(at))) last = at
  // Only the rest of one: nothing else could be the last.
  if (last === undefined) return true
  return page[last + managerAt] === xlogManager && ((page[last + infoAt] ?? 0) & 0xf0) === switchInfo
}
