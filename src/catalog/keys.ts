import { HoldfastError } from '../domain/errors.js'
import {
  type BackupId,
  type BackupKind,
  describeBackupId,
  type ObjectKey,
  parseBackupId,
  parseObjectKey,
  type SystemName,
} from '../domain/ids.js'

/** `<system>/full/2026/01/10/<id>`, without a slash at the end. */
export function backupPrefix(id: BackupId): ObjectKey {
  const { system, kind, time } = describeBackupId(id)
  return parseObjectKey(`${kindPrefix(system, kind)}${dayPath(time)}/${id}`)
}

/** Everything of one kind of one system, with a slash at the end: what a listing starts from. */
export function kindPrefix(system: SystemName, kind: BackupKind): string {
  return `${system}/${kind}/`
}

export function manifestKey(id: BackupId): ObjectKey {
  return parseObjectKey(`${backupPrefix(id)}/${manifestName}`)
}

/**
 * `<backup prefix>/a1`, without a slash at the end: the directory of an attempt's artifacts.
 * List with the slash added, or `a1` finds the objects of `a10` as well.
 * @throws HoldfastError MANIFEST_DAMAGED for what is not an attempt's name
 */
export function attemptPrefix(id: BackupId, attempt: string): ObjectKey {
  return parseObjectKey(`${backupPrefix(id)}/${requireName(attempt, attemptPattern, 'an attempt', id)}`)
}

/** @throws HoldfastError MANIFEST_DAMAGED for a name that would lead out of the attempt */
export function artifactKey(id: BackupId, attempt: string, name: string): ObjectKey {
  return parseObjectKey(`${attemptPrefix(id, attempt)}/${requireName(name, artifactPattern, 'an artifact', id)}`)
}

/** @returns undefined for keys that are not a manifest's, also where the path and the id in it say different things. */
export function parseManifestKey(key: string): BackupId | undefined {
  const [name, text] = key.split('/').reverse()
  if (name !== manifestName || text === undefined) return undefined
  try {
    const id = parseBackupId(text)
    return manifestKey(id) === key ? id : undefined
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'INVALID_NAME') return undefined
    throw error
  }
}

export function tombstoneKey(id: BackupId): ObjectKey {
  return parseObjectKey(`${tombstonesPrefix(describeBackupId(id).system)}${id}.json`)
}

export function tombstonesPrefix(system: SystemName): string {
  return `${statePrefix(system)}tombstones/`
}

export function holdKey(id: BackupId): ObjectKey {
  return parseObjectKey(`${statePrefix(describeBackupId(id).system)}holds/${id}.json`)
}

/** Of one verification of a backup. @param at when it ended */
export function verificationKey(id: BackupId, at: Date): ObjectKey {
  const { system } = describeBackupId(id)
  const time = at.toISOString()
  return parseObjectKey(`${system}/verifications/${dayPath(time)}/${keyTime(at)}-${id}.json`)
}

export function leasesPrefix(system: SystemName): string {
  return `${statePrefix(system)}leases/`
}

/** A moment as part of a key, to the millisecond: `2026-01-10T03-00-00.000Z`. Sorts as time does. */
export function keyTime(at: Date): string {
  return at.toISOString().replaceAll(':', '-')
}

/** What {@link keyTime} made, as ISO 8601 UTC with milliseconds; undefined for anything else. */
export function parseKeyTime(text: string): string | undefined {
  const [, day, hours, minutes, seconds] = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})Z$/.exec(text) ?? []
  const time = `${day}T${hours}:${minutes}:${seconds}Z`
  const parsed = new Date(time)
  return Number.isNaN(parsed.getTime()) || parsed.toISOString() !== time ? undefined : time
}

export const attemptPattern = /^a[1-9][0-9]{0,3}$/

/** Plain file names: no `/`, no dot in front, nothing a shell or a file system takes amiss. */
export const artifactPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

const manifestName = 'manifest.json'

/** What changes about a system's backups, apart from the backups. No system's name begins with `_`. */
function statePrefix(system: SystemName): string {
  return `_holdfast/${system}/`
}

/** Of an ISO 8601 time in UTC: `2026/01/10`. */
export function dayPath(time: string): string {
  return time.slice(0, 10).replaceAll('-', '/')
}

// Names come from manifests, which come from a store: whoever can write there must not choose what we read or delete.
function requireName(text: string, pattern: RegExp, what: string, id: BackupId): string {
  if (pattern.test(text)) return text
  throw new HoldfastError('MANIFEST_DAMAGED', `${JSON.stringify(text)} is not the name of ${what} (backup ${id})`)
}
