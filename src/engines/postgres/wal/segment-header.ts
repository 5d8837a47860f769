import { open } from 'node:fs/promises'
import { HoldfastError } from '../../../domain/errors.js'
import { formatLsn } from '../../../domain/lsn.js'
import { parseSegmentName, segmentStart } from '../../../domain/wal.js'
import type { WalFileExpectation } from '../../wal-source.js'

/** XLogLongPageHeaderData: magic, flags, timeline, address, then of the first page of a segment alone identifier and sizes. */
const headerBytes = 40
/** The high byte of XLOG_PAGE_MAGIC of every release; the low one counts the formats. */
const magicHighByte = 0xd1
const longHeaderFlag = 0x0002

/**
 * Checks that a file is the segment its name says, of the cluster it should be of. The segment in which a timeline began starts
 * with pages of the one before it, so an earlier timeline in the header is right.
 * https://www.postgresql.org/docs/current/wal-internals.html
 * @throws HoldfastError WAL_FOREIGN, ARTIFACT_DAMAGED
 */
export async function checkSegmentHeader(path: string, expectation: WalFileExpectation): Promise<void> {
  const { file, segmentSizeBytes, systemIdentifier } = expectation
  const header = await readHeader(path, file)
  const position = parseSegmentName(file, segmentSizeBytes)
  const start = segmentStart(position.number, segmentSizeBytes)
  if (header.address !== start) throw damaged(file, `its first page is of ${header.address}, not of ${start}`)
  if (header.systemIdentifier !== systemIdentifier) {
    const message = `${file} is of the cluster ${header.systemIdentifier}, not of ${systemIdentifier}`
    throw new HoldfastError('WAL_FOREIGN', message)
  }
  if (header.segmentSizeBytes !== segmentSizeBytes) {
    const message = `${file} is of segments of ${header.segmentSizeBytes} bytes, not of ${segmentSizeBytes}`
    throw new HoldfastError('WAL_FOREIGN', message)
  }
  if (header.timeline > position.timeline) throw damaged(file, `it is of timeline ${header.timeline}`)
}

async function readHeader(path: string, file: string) {
  const bytes = Buffer.alloc(headerBytes)
  const handle = await open(path, 'r')
  try {
    const { bytesRead } = await handle.read(bytes, 0, headerBytes, 0)
    if (bytesRead < headerBytes) throw damaged(file, `it has ${bytesRead} bytes`)
  } finally {
    await handle.close()
  }
  // In the server's own byte order, which the magic number gives away.
  const little = bytes[1] === magicHighByte
  if (!little && bytes[0] !== magicHighByte) throw damaged(file, 'it does not begin like WAL')
  const read16 = (at: number) => (little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at))
  const read32 = (at: number) => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at))
  const read64 = (at: number) => (little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at))
  if ((read16(2) & longHeaderFlag) === 0) throw damaged(file, 'its first page is not that of a segment')
  return {
    timeline: read32(4),
    address: formatLsn(read64(8)),
    systemIdentifier: read64(24).toString(),
    segmentSizeBytes: read32(32),
  }
}

function damaged(file: string, what: string): HoldfastError {
  return new HoldfastError('ARTIFACT_DAMAGED', `WAL segment ${file} is damaged: ${what}`, {
    hint: 'remove it from the spool: it is received again from the server',
  })
}
