import type { FileHandle } from 'node:fs/promises'
import { HoldfastError } from '../../domain/errors.js'
import { formatLsn, type Lsn, lsnToBytes } from '../../domain/lsn.js'
import { aligned, bodyAt, headerBytes, infoAt, longHeaderBytes, readPage, recordBytes, remainingAt } from './wal-layout.js'

/** A file of plain WAL. */
interface Segment {
  readonly startLsn: Lsn
  readonly segmentSizeBytes: number
}

/** The records that replay applies, by where they begin. */
export interface ReplayRange {
  readonly fromLsn?: Lsn
  /** The first that is not applied; to the end where left out. */
  readonly toLsn?: Lsn
}

const addressAt = 8

/** RM_TBLSPC_ID (rmgrlist.h), two bytes of padding behind it, and XLOG_TBLSPC_CREATE (commands/tablespace.h) before. */
const creation = Buffer.from([0x00, 0x05, 0x00, 0x00])

const chunkBytes = 1024 * 1024

/**
 * The first CREATE TABLESPACE that replay would apply in a segment. Such a record names the original's directory, and replay makes the
 * link to it whatever `tablespace_map` says: on the original's host the restored server would then write into the original's files.
 * Walked here, as a process for each segment would cost more than the segment. Looks at each segment by itself, for they come in any order.
 */
export async function findNewTablespace(segment: FileHandle, place: Segment, range: ReplayRange = {}): Promise<Lsn | undefined> {
  const { startLsn, segmentSizeBytes } = place
  const start = lsnToBytes(startLsn)
  const pageBytes = (await readPage(segment, 0, longHeaderBytes)).readUInt32LE(36)
  // Of another size PostgreSQL takes no page.
  if (pageBytes < 1024 || chunkBytes % pageBytes !== 0) return undefined
  for (let offset = 0; offset < segmentSizeBytes; offset += chunkBytes) {
    // One page more: what begins at the end of a page goes on behind the header of the next.
    const { buffer: bytes } = await segment.read(Buffer.alloc(chunkBytes + pageBytes), 0, chunkBytes + pageBytes, offset)
    for (let at = 0; at < chunkBytes; at += pageBytes) {
      const page = bytes.subarray(at, at + pageBytes)
      const address = start + BigInt(offset + at)
      // Nobody has written on: replay ends here as well.
      if (page.readBigUInt64LE(addressAt) !== address) return undefined
      const fromBefore = offset + at === 0 ? begunBefore(page) : []
      for (const found of [...fromBefore, ...begunOn(page, bytes.subarray(at + pageBytes, at + 2 * pageBytes))]) {
        const lsn = address + BigInt(found)
        if (isWithin(lsn, range)) return formatLsn(lsn)
      }
    }
  }
  return undefined
}

/** @throws OUTSIDE_WINDOW where replay would make a tablespace */
export async function refuseNewTablespace(segment: FileHandle, place: Segment, range: ReplayRange): Promise<void> {
  const lsn = await findNewTablespace(segment, place, range)
  if (lsn !== undefined) throw new HoldfastError('OUTSIDE_WINDOW', newTablespaceMessage(lsn), { hint: newTablespaceHint })
}

export function newTablespaceMessage(lsn: Lsn): string {
  return `the original made a tablespace at ${lsn}, after this backup began: replaying that would lead into the original's own directory`
}

const newTablespaceHint =
  'restore from a backup that began after it (take one if there is none), or to a position or moment before it'

function isWithin(lsn: bigint, { fromLsn, toLsn }: ReplayRange): boolean {
  return (fromLsn === undefined || lsn >= lsnToBytes(fromLsn)) && (toLsn === undefined || lsn < lsnToBytes(toLsn))
}

function begunOn(page: Buffer, next: Buffer): number[] {
  const found: number[] = []
  for (let at = bodyAt(page); at < page.length; ) {
    const sizeBytes = page.readUInt32LE(at)
    if (sizeBytes === 0) break
    const kindAt = at + infoAt
    const isNew = kindAt < page.length ? isCreation(page, kindAt) : isCreation(next, kindAt - page.length + headerBytes)
    if (isNew) found.push(at)
    at += aligned(sizeBytes)
  }
  return found
}

/** Without the flags a record of any kind may have. */
function isCreation(page: Buffer, at: number): boolean {
  return page[at + 1] === creation[1] && ((page[at] ?? 0) & 0xf0) === creation[0]
}

/**
 * Of a record whose header began in the segment before, with 8 or 16 bytes at its end, only the rest is here: it is the one looked for
 * if all that is known of it fits, its data and their length included.
 */
function begunBefore(page: Buffer): number[] {
  const rest = page.readUInt32LE(remainingAt)
  return [-8, -16].filter((before) => {
    const kindAt = longHeaderBytes + infoAt + before
    const dataAt = longHeaderBytes + recordBytes + before
    const dataBytes = rest - before - recordBytes
    // XLR_BLOCK_ID_DATA_SHORT and XLR_BLOCK_ID_DATA_LONG.
    const isShort = page[dataAt] === 255 && page[dataAt + 1] === dataBytes - 2
    const isLong = page[dataAt] === 254 && page.readUInt32LE(dataAt + 1) === dataBytes - 5
    return page.subarray(kindAt, kindAt + creation.length).equals(creation) && (isShort || isLong)
  })
}
