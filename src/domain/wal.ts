import { HoldfastError } from './errors.js'
import type { ObjectKey } from './ids.js'
import { formatLsn, type Lsn, lsnToBytes } from './lsn.js'

declare const brand: unique symbol
/** First 16 hex digits of the SHA-256 of a WAL file as PostgreSQL has it, before compression and encryption. */
export type WalHash = string & { readonly [brand]: 'WalHash' }

/**
 * A file of the WAL archive by what it is. `file` is PostgreSQL's name, also of a partial segment. A partial has the size of a whole
 * segment, zero after `endLsn`, so that it can be handed to PostgreSQL under the segment's name.
 */
export type WalFile =
  | { readonly kind: 'segment'; readonly file: string }
  | { readonly kind: 'partial'; readonly file: string; readonly endLsn: Lsn }
  | { readonly kind: 'history'; readonly file: string }

/** What a WAL file's object is called, without day and suffixes: file, cluster and content. */
export type WalIdentity = WalFile & {
  /** Decimal digits, as pg_control_system() prints it. */
  readonly systemIdentifier: string
  readonly hash: WalHash
}

/** A WAL file as it lies in a repository. */
export type WalObject = WalIdentity & {
  readonly encrypted: boolean
  readonly key: ObjectKey
  /** As stored, after compression and encryption. */
  readonly sizeBytes: number
  readonly storedAt: Date
}

export interface SegmentPosition {
  readonly timeline: number
  /** Segments from the beginning of the cluster's WAL. */
  readonly number: bigint
}

export const smallestSegmentBytes = 2 ** 20
export const largestSegmentBytes = 2 ** 30
export const maximumTimeline = 0xffff_ffff

/** A power of two from 1 MiB to 1 GiB, as initdb takes it. */
export function isSegmentSize(sizeBytes: number): boolean {
  return sizeBytes >= smallestSegmentBytes && sizeBytes <= largestSegmentBytes && Number.isInteger(Math.log2(sizeBytes))
}

/** @throws HoldfastError INVALID_NAME for what names no segment of a cluster with segments of this size */
export function parseSegmentName(name: string, segmentSizeBytes: number): SegmentPosition {
  const position = tryParseSegmentName(name, segmentSizeBytes)
  if (position !== undefined) return position
  throw new HoldfastError('INVALID_NAME', `"${name}" is not the name of a WAL segment of ${segmentSizeBytes} bytes`, {
    hint: 'names look like 00000001000000000000002A: timeline, log and segment, 8 hex digits each',
  })
}

/** The same, undefined for what is none. */
export function tryParseSegmentName(name: string, segmentSizeBytes: number): SegmentPosition | undefined {
  if (!segmentNamePattern.test(name)) return undefined
  const [timeline, log, segment] = [name.slice(0, 8), name.slice(8, 16), name.slice(16)].map((part) => Number(`0x${part}`))
  const perLog = segmentsPerLog(segmentSizeBytes)
  if (timeline === undefined || log === undefined || segment === undefined) return undefined
  if (timeline === 0 || segment >= perLog) return undefined
  return { timeline, number: BigInt(log) * BigInt(perLog) + BigInt(segment) }
}

export function segmentName({ timeline, number }: SegmentPosition, segmentSizeBytes: number): string {
  const perLog = BigInt(segmentsPerLog(segmentSizeBytes))
  return [BigInt(timeline), number / perLog, number % perLog].map(eightDigits).join('')
}

export function nextSegmentName(name: string, segmentSizeBytes: number): string {
  const { timeline, number } = parseSegmentName(name, segmentSizeBytes)
  return segmentName({ timeline, number: number + 1n }, segmentSizeBytes)
}

/** @throws HoldfastError INVALID_NAME for the first segment of all */
export function previousSegmentName(name: string, segmentSizeBytes: number): string {
  const { timeline, number } = parseSegmentName(name, segmentSizeBytes)
  if (number > 0n) return segmentName({ timeline, number: number - 1n }, segmentSizeBytes)
  throw new HoldfastError('INVALID_NAME', `there is no segment before ${name}`)
}

/** LSN of the first byte of a segment. */
export function segmentStart(number: bigint, segmentSizeBytes: number): Lsn {
  return formatLsn(number * BigInt(segmentSizeBytes))
}

/** The segment that holds the byte at `lsn`. */
export function segmentNumberAt(lsn: Lsn, segmentSizeBytes: number): bigint {
  return lsnToBytes(lsn) / BigInt(segmentSizeBytes)
}

export function historyFileName(timeline: number): string {
  return `${eightDigits(BigInt(timeline))}.history`
}

/** @returns undefined for what is not the name of a history file. Timeline 1 has none. */
export function historyFileTimeline(name: string): number | undefined {
  const timeline = Number(`0x${historyNamePattern.exec(name)?.[1] ?? ''}`)
  return timeline > 1 ? timeline : undefined
}

/** @throws HoldfastError INVALID_NAME */
export function parseWalHash(text: string): WalHash {
  if (!/^[0-9a-f]{16}$/.test(text)) throw new HoldfastError('INVALID_NAME', `"${text}" is not the hash of a WAL file`)
  return text as WalHash
}

/** Of the SHA-256 of the plain file, 64 hex digits. */
export function walHashOf(sha256: string): WalHash {
  return parseWalHash(sha256.slice(0, 16))
}

export const segmentNamePattern = /^[0-9A-F]{24}$/
const historyNamePattern = /^([0-9A-F]{8})\.history$/

function segmentsPerLog(segmentSizeBytes: number): number {
  return 2 ** 32 / segmentSizeBytes
}

function eightDigits(part: bigint): string {
  return part.toString(16).toUpperCase().padStart(8, '0')
}
