import type { FileHandle } from 'node:fs/promises'
import { HoldfastError } from '../../domain/errors.js'
import { formatLsn, type Lsn, lsnToBytes } from '../../domain/lsn.js'
import { endsWithSwitch } from './wal-switch.js'

/** What a segment has to be. */
export interface SegmentIdentity {
  readonly file: string
  readonly timeline: number
  readonly startLsn: Lsn
  readonly systemIdentifier: string
  readonly segmentSizeBytes: number
  /** WAL is known to reach up to here, in this segment or after it. */
  readonly endLsn?: Lsn
}

/** XLogLongPageHeaderData, at the beginning of each segment: src/include/access/xlog_internal.h. */
const longHeaderBytes = 40
const longHeaderFlag = 0x0002

/**
 * Is a file of plain WAL the segment its name says? Looks at the first page, and at the one `endLsn` lies on: an archive that claims
 * to reach further than it does would end recovery early. PostgreSQL writes these numbers in the order of the machine's bytes, which
 * on all machines we run on is little-endian.
 * @throws HoldfastError WAL_FOREIGN (another cluster, size or position), ARTIFACT_DAMAGED (no WAL, or less than there should be)
 */
export async function checkSegmentPages(segment: FileHandle, identity: SegmentIdentity): Promise<void> {
  const { file, systemIdentifier, segmentSizeBytes, startLsn } = identity
  const first = await readAt(segment, 0)
  const magic = first.readUInt16LE(0)
  if (magic === 0 || (first.readUInt16LE(2) & longHeaderFlag) === 0) {
    throw new HoldfastError('ARTIFACT_DAMAGED', `${file} does not begin with a page of WAL`)
  }
  const foreign = (what: string, found: unknown, wanted: unknown) =>
    new HoldfastError('WAL_FOREIGN', `${file} is of ${what} ${found}, not ${wanted}`)
  const system = first.readBigUInt64LE(24).toString()
  if (system !== systemIdentifier) throw foreign('the system', system, systemIdentifier)
  const size = first.readUInt32LE(32)
  if (size !== segmentSizeBytes) throw foreign('a cluster with segments of', size, segmentSizeBytes)
  const address = addressOf(first)
  if (address !== lsnToBytes(startLsn)) throw foreign('the position', formatLsn(address), startLsn)
  // A new timeline begins with a copy of the segment it forked in.
  const timeline = first.readUInt32LE(4)
  if (timeline > identity.timeline) throw foreign('the timeline', timeline, identity.timeline)
  await checkEnd(segment, identity, first.readUInt32LE(36))
}

async function checkEnd(segment: FileHandle, identity: SegmentIdentity, pageBytes: number): Promise<void> {
  const { file, startLsn, segmentSizeBytes, endLsn } = identity
  if (endLsn === undefined) return
  const start = lsnToBytes(startLsn)
  const lastByte = Number(lsnToBytes(endLsn) - start) - 1
  if (lastByte < 0 || lastByte >= segmentSizeBytes || pageBytes === 0) return
  const offset = lastByte - (lastByte % pageBytes)
  if (addressOf(await readAt(segment, offset)) === start + BigInt(offset)) return
  if (lastByte === segmentSizeBytes - 1 && (await endsWithSwitch(segment, segmentSizeBytes, pageBytes))) return
  throw new HoldfastError('ARTIFACT_DAMAGED', `${file} ends before ${endLsn}, up to where its WAL is said to be archived`)
}

function addressOf(page: Buffer): bigint {
  return page.readBigUInt64LE(8)
}

async function readAt(segment: FileHandle, offset: number): Promise<Buffer> {
  const { buffer } = await segment.read(Buffer.alloc(longHeaderBytes), 0, longHeaderBytes, offset)
  return buffer
}
