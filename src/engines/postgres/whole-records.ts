import type { FileHandle } from 'node:fs/promises'
import { formatLsn, type Lsn, lsnToBytes } from '../../domain/lsn.js'
import { aligned, bodyAt, readPage } from './wal-layout.js'

/** A segment file that holds the byte before a position. */
interface Segment {
  readonly startLsn: Lsn
  readonly segmentSizeBytes: number
}

const lengthBytes = 4

/**
 * What a server flushes by itself is whole pages, so the position it tells may lie within a record, at the end of a page. Replay of WAL
 * that ends there ends where that record begins.
 * @returns where replay has to come at least; `endLsn` itself where records fill the segment up to it, or should and do not
 */
export async function wholeRecordsEnd(segment: FileHandle, { startLsn, segmentSizeBytes }: Segment, endLsn: Lsn): Promise<Lsn> {
  const start = lsnToBytes(startLsn)
  const pageBytes = (await readPage(segment, 0, 40)).readUInt32LE(36)
  const end = Number(lsnToBytes(endLsn) - start)
  if (pageBytes === 0 || end % pageBytes !== 0) return endLsn
  for (let number = end / pageBytes - 1; number >= 0; number -= 1) {
    const page = await readPage(segment, number, pageBytes)
    if (page.readBigUInt64LE(8) !== start + BigInt(number * pageBytes)) return endLsn
    const first = bodyAt(page)
    // All of it is a part of a record that began before.
    if (first > pageBytes) continue
    const begun = begunIn(page, first)
    return begun === undefined ? endLsn : formatLsn(start + BigInt(number * pageBytes + begun))
  }
  // It began in the segment before, which nobody has kept.
  return formatLsn(start - BigInt(segmentSizeBytes))
}

/** Where the record begins that goes on behind the page. */
function begunIn(page: Buffer, first: number): number | undefined {
  for (let at = first; at + lengthBytes <= page.length; ) {
    const sizeBytes = page.readUInt32LE(at)
    if (sizeBytes === 0) return undefined
    if (at + sizeBytes > page.length) return at
    at += aligned(sizeBytes)
  }
  return undefined
}
