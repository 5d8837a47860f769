import type { FileHandle } from 'node:fs/promises'

/** XLogPageHeaderData and XLogLongPageHeaderData, with their padding: src/include/access/xlog_internal.h. */
const headerBytes = 24
const longHeaderBytes = 40
const longHeaderFlag = 0x0002
const remainingAt = 16

/** XLogRecord: src/include/access/xlogrecord.h; RM_XLOG_ID and XLOG_SWITCH: rmgrlist.h, pg_control.h. */
const recordBytes = 24
const infoAt = 16
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

/** Where the first record of a page begins, behind what remains of one that began on a page before; where that goes on, behind the page. */
export function bodyAt(page: Buffer): number {
  const isLong = (page.readUInt16LE(2) & longHeaderFlag) !== 0
  return (isLong ? longHeaderBytes : headerBytes) + aligned(page.readUInt32LE(remainingAt))
}

export function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}

export async function readPage(segment: FileHandle, number: number, pageBytes: number): Promise<Buffer> {
  const { buffer } = await segment.read(Buffer.alloc(pageBytes), 0, pageBytes, number * pageBytes)
  return buffer
}
