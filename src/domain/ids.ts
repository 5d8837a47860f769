import { HoldfastError } from './errors.js'

declare const brand: unique symbol
type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** Name of a protected system: `[a-z0-9][a-z0-9_-]{0,62}`. */
export type SystemName = Brand<string, 'SystemName'>
/** `<system>_<kind>_<time>`, e.g. `avi5_full_2026-01-10T03-00-00Z`. */
export type BackupId = Brand<string, 'BackupId'>
/** Name of a restored server; same alphabet as a system's. */
export type InstanceName = Brand<string, 'InstanceName'>
/** Name of a database: 1 to 63 bytes, whatever they are but control characters. */
export type DatabaseName = Brand<string, 'DatabaseName'>
export type RepositoryName = Brand<string, 'RepositoryName'>
/** Key of an object in a store: `/`-separated, no empty, `.` or `..` segment. */
export type ObjectKey = Brand<string, 'ObjectKey'>
/** 64 lower-case hex digits. */
export type Sha256 = Brand<string, 'Sha256'>
/** 8 lower-case hex digits: IEEE CRC-32 (the one of zip and S3's `CRC32`), not CRC-32C. */
export type Crc32 = Brand<string, 'Crc32'>

export const backupKinds = ['full', 'incremental', 'differential', 'logical'] as const
export type BackupKind = (typeof backupKinds)[number]
/** Those this version makes. */
export const doneKinds: readonly BackupKind[] = ['full', 'logical']

/** What a {@link BackupId} says. `time` is ISO 8601 in UTC with whole seconds. */
export interface BackupIdentity {
  readonly system: SystemName
  readonly kind: BackupKind
  readonly time: string
}

export const namePattern = /^[a-z0-9][a-z0-9_-]{0,62}$/
const nameRule = 'use 1 to 63 of a-z, 0-9, "_" and "-", beginning with a letter or a digit'

export function parseSystemName(text: string): SystemName {
  return parseName(text, 'a system') as SystemName
}

export function parseInstanceName(text: string): InstanceName {
  return parseName(text, 'an instance') as InstanceName
}

/** @throws HoldfastError INVALID_NAME: PostgreSQL would cut a longer one short, and make another database than was asked for */
export function parseDatabaseName(text: string): DatabaseName {
  const bytes = new TextEncoder().encode(text).length
  const fits = bytes > 0 && bytes <= 63 && text.isWellFormed() && !/\p{Cc}/u.test(text)
  if (fits) return text as DatabaseName
  throw new HoldfastError('INVALID_NAME', `${JSON.stringify(text)} is not a name for a database`, {
    hint: 'use 1 to 63 bytes without control characters',
  })
}

export function parseRepositoryName(text: string): RepositoryName {
  return parseName(text, 'a repository') as RepositoryName
}

/** @param time when the backup was due: the scheduled time, else the start of its workflow. */
export function backupIdFor(system: SystemName, kind: BackupKind, time: Date): BackupId {
  const stamp = `${time.toISOString().slice(0, 19)}Z`.replaceAll(':', '-')
  return `${system}_${kind}_${stamp}` as BackupId
}

/** @throws HoldfastError INVALID_NAME */
export function parseBackupId(text: string): BackupId {
  describeBackupId(text as BackupId)
  return text as BackupId
}

/** @throws HoldfastError INVALID_NAME */
export function describeBackupId(id: BackupId): BackupIdentity {
  const match = backupIdPattern.exec(id)
  const [, system, kind, date, hours, minutes, seconds] = match ?? []
  const time = `${date}T${hours}:${minutes}:${seconds}Z`
  if (system === undefined || kind === undefined || !isMoment(time)) {
    throw new HoldfastError('INVALID_NAME', `"${id}" is not the id of a backup`, {
      hint: 'ids look like avi5_full_2026-01-10T03-00-00Z; `holdfast ls` prints them',
    })
  }
  return { system: parseSystemName(system), kind: kind as BackupKind, time }
}

/** @throws HoldfastError INVALID_NAME for empty, absolute, `.` or `..` segments and control characters. */
export function parseObjectKey(text: string): ObjectKey {
  const segments = text.split('/')
  const harmful = segments.some((segment) => segment === '' || segment === '.' || segment === '..')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (harmful || /[\u0000-\u001f\u007f\\]/.test(text) || text.length > 1000) {
    throw new HoldfastError('INVALID_NAME', `"${text}" is not a key a store accepts`)
  }
  return text as ObjectKey
}

export function parseSha256(text: string): Sha256 {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new HoldfastError('INVALID_NAME', `"${text}" is not a SHA-256 in hex`)
  return text as Sha256
}

export function parseCrc32(text: string): Crc32 {
  if (!/^[0-9a-f]{8}$/.test(text)) throw new HoldfastError('INVALID_NAME', `"${text}" is not a CRC-32 in hex`)
  return text as Crc32
}

const backupIdPattern = new RegExp(
  `^([a-z0-9][a-z0-9_-]{0,62})_(${backupKinds.join('|')})_(\\d{4}-\\d\\d-\\d\\d)T(\\d\\d)-(\\d\\d)-(\\d\\d)Z$`,
)

// Date.parse takes February 30 for March 2: the time must come back as it went in.
function isMoment(time: string): boolean {
  const parsed = new Date(time)
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString() === time.replace('Z', '.000Z')
}

function parseName(text: string, what: string): string {
  if (!namePattern.test(text)) {
    throw new HoldfastError('INVALID_NAME', `"${text}" is not a name for ${what}`, { hint: nameRule })
  }
  return text
}
