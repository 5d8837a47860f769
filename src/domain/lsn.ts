import { HoldfastError } from './errors.js'

declare const brand: unique symbol
/** A position in PostgreSQL's WAL, as PostgreSQL prints it: `16/B374D848`. */
export type Lsn = string & { readonly [brand]: 'Lsn' }

/** @throws HoldfastError INVALID_NAME */
export function parseLsn(text: string): Lsn {
  if (!/^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/.test(text)) {
    throw new HoldfastError('INVALID_NAME', `"${text}" is not an LSN`, { hint: 'LSNs look like 16/B374D848' })
  }
  return formatLsn(lsnToBytes(text as Lsn))
}

/** Bytes of WAL from the beginning of the cluster to this position. */
export function lsnToBytes(lsn: Lsn): bigint {
  const [high = '', low = ''] = lsn.split('/')
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

export function formatLsn(bytes: bigint): Lsn {
  const low = (bytes & 0xffff_ffffn).toString(16).toUpperCase()
  return `${(bytes >> 32n).toString(16).toUpperCase()}/${low}` as Lsn
}

export function compareLsn(a: Lsn, b: Lsn): number {
  const difference = lsnToBytes(a) - lsnToBytes(b)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** Name of the WAL segment that holds the byte at `lsn`: timeline, log and segment, 8 hex digits each. */
export function segmentNameAt(timeline: number, lsn: Lsn, segmentSizeBytes: number): string {
  const segment = lsnToBytes(lsn) / BigInt(segmentSizeBytes)
  const segmentsPerLog = 0x1_0000_0000n / BigInt(segmentSizeBytes)
  const parts = [BigInt(timeline), segment / segmentsPerLog, segment % segmentsPerLog]
  return parts.map((part) => part.toString(16).toUpperCase().padStart(8, '0')).join('')
}
