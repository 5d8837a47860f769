import { type ObjectKey, parseObjectKey, type SystemName } from '../domain/ids.js'
import { formatLsn, type Lsn, lsnToBytes } from '../domain/lsn.js'
import type { Mark, MarkFacts } from '../domain/mark.js'
import { parseWalHash, type WalIdentity } from '../domain/wal.js'
import { dayPath, keyTime, parseKeyTime } from './keys.js'

/** How a WAL object was stored, which its suffixes say. */
export interface WalStorage {
  /** When the file was complete. Its day (UTC) is part of the key, and advisory: readers look at the neighbouring days too. */
  readonly completedAt: Date
  readonly encrypted: boolean
}

/** `<system>/wal/2026/01/10/<name>.zst.enc` */
export function walKey(system: SystemName, file: WalIdentity, { completedAt, encrypted }: WalStorage): ObjectKey {
  return parseObjectKey(`${walDayPrefix(system, completedAt)}${walName(file)}.zst${encrypted ? '.enc' : ''}`)
}

/**
 * The object's name without day and suffixes: `<file>-<system identifier>-<hash>`, of a partial
 * `<segment>-<end LSN>-<system identifier>-<hash>.partial`. It is bound into the encryption.
 */
export function walName(file: WalIdentity): string {
  const content = `${file.systemIdentifier}-${file.hash}`
  return file.kind === 'partial' ? `${file.file}-${lsnDigits(file.endLsn)}-${content}.partial` : `${file.file}-${content}`
}

/** Everything of a system's WAL, with a slash at the end: what a listing starts from. */
export function walPrefix(system: SystemName): string {
  return `${system}/wal/`
}

export function walDayPrefix(system: SystemName, day: Date): string {
  return `${walPrefix(system)}${dayPath(day.toISOString())}/`
}

/** What a WAL object's key says. @returns undefined for any other key */
export function parseWalKey(
  key: string,
): { readonly system: string; readonly identity: WalIdentity; readonly encrypted: boolean } | undefined {
  const [, system, name, encryption] = walKeyPattern.exec(key) ?? []
  const identity = name === undefined ? undefined : parseWalName(name)
  if (system === undefined || identity === undefined) return undefined
  return { system, identity, encrypted: encryption !== undefined }
}

/** `<system>/marks/2026/01/10/<moment>-<timeline>-<LSN>-<system identifier>.json` */
export function markKey(mark: Mark): ObjectKey {
  return markKeyOf(mark.system, mark)
}

export function markKeyOf(system: SystemName, { systemIdentifier, timeline, lsn, at }: MarkFacts): ObjectKey {
  const position = `${timeline.toString(16).toUpperCase().padStart(8, '0')}-${lsnDigits(lsn)}`
  return parseObjectKey(`${marksPrefix(system)}${dayPath(at)}/${keyTime(new Date(at))}-${position}-${systemIdentifier}.json`)
}

export function marksPrefix(system: SystemName): string {
  return `${system}/marks/`
}

/** @returns undefined for what is not the key of a mark */
export function parseMarkKey(key: string): MarkFacts | undefined {
  const [, day, moment, timeline, lsn, systemIdentifier] = markKeyPattern.exec(key) ?? []
  const at = moment === undefined ? undefined : parseKeyTime(moment)
  if (at === undefined || lsn === undefined || systemIdentifier === undefined) return undefined
  if (dayPath(at) !== day || Number(`0x${timeline}`) === 0) return undefined
  return { systemIdentifier, timeline: Number(`0x${timeline}`), lsn: lsnOfDigits(lsn), at }
}

function parseWalName(name: string): WalIdentity | undefined {
  const [, file, end, systemIdentifier, hash, partial] = walNamePattern.exec(name) ?? []
  if (file === undefined || systemIdentifier === undefined || hash === undefined) return undefined
  const content = { file, systemIdentifier, hash: parseWalHash(hash) }
  const isHistory = file.endsWith('.history')
  if (end !== undefined && partial !== undefined && !isHistory) return { kind: 'partial', ...content, endLsn: lsnOfDigits(end) }
  if (end !== undefined || partial !== undefined) return undefined
  return { kind: isHistory ? 'history' : 'segment', ...content }
}

const walKeyPattern = /^([a-z0-9][a-z0-9_-]{0,62})\/wal\/\d{4}\/\d\d\/\d\d\/([^/]+)\.zst(\.enc)?$/
const walNamePattern = /^([0-9A-F]{24}|[0-9A-F]{8}\.history)(?:-([0-9A-F]{16}))?-(\d{1,20})-([0-9a-f]{16})(\.partial)?$/
const markKeyPattern = /\/marks\/(\d{4}\/\d\d\/\d\d)\/([^/]{24})-([0-9A-F]{8})-([0-9A-F]{16})-(\d{1,20})\.json$/

function lsnDigits(lsn: Lsn): string {
  return lsnToBytes(lsn).toString(16).toUpperCase().padStart(16, '0')
}

function lsnOfDigits(digits: string): Lsn {
  return formatLsn(BigInt(`0x${digits}`))
}
