import type { Composition } from '../composition/compose.js'
import { type ErrorCode, HoldfastError, toHoldfastError } from '../domain/errors.js'
import type { BackupId, RepositoryName, SystemName } from '../domain/ids.js'
import { describeBackupId } from '../domain/ids.js'
import type { Manifest } from '../domain/manifest.js'
import { sayWhileWaiting } from './say-while-waiting.js'

/** A backup in one repository: its manifest, or why that cannot be read. */
export type CopySeen =
  | { readonly repository: RepositoryName; readonly state: 'committed'; readonly manifest: Manifest }
  | { readonly repository: RepositoryName; readonly state: 'damaged'; readonly code: ErrorCode; readonly message: string }

export interface BackupSeen {
  readonly backup: BackupId
  readonly copies: readonly CopySeen[]
}

/** A repository that could not be read. */
export interface Unread {
  readonly repository: RepositoryName
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
}

export interface Survey {
  /** In the order of their due times, the oldest first. */
  readonly backups: readonly BackupSeen[]
  readonly unread: readonly Unread[]
}

/**
 * Reads the catalogues of repositories, all at once and without Temporal. One that cannot be read does not hide the others.
 * @throws the keys' errors; when no repository could be read, their common error, else STORE_UNAVAILABLE
 */
export async function surveyCatalogs(
  composition: Composition,
  repositories: readonly RepositoryName[],
  system: SystemName | undefined,
): Promise<Survey> {
  await composition.keys()
  const unread: Unread[] = []
  const copies = new Map<BackupId, CopySeen[]>()
  const readings = repositories.map((repository) => sayWhileWaiting(repository, readCopies(composition, repository, system)))
  for (const [index, reading] of (await Promise.allSettled(readings)).entries()) {
    const repository = repositories[index]
    if (repository === undefined) continue
    if (reading.status === 'rejected') unread.push({ repository, ...reasonOf(reading.reason) })
    else for (const [backup, copy] of reading.value) copies.set(backup, [...(copies.get(backup) ?? []), copy])
  }
  if (unread.length === repositories.length) throw noneRead(unread)
  const backups = [...copies].map(([backup, seen]) => ({ backup, copies: seen }))
  return { backups: backups.toSorted(byTime), unread }
}

async function readCopies(
  composition: Composition,
  repository: RepositoryName,
  system: SystemName | undefined,
): Promise<[BackupId, CopySeen][]> {
  const catalog = await composition.catalog(repository)
  const found: [BackupId, CopySeen][] = []
  for await (const entry of catalog.list(system === undefined ? {} : { system })) {
    const copy: CopySeen =
      'problem' in entry
        ? { repository, state: 'damaged', code: entry.problem.code, message: entry.problem.message }
        : { repository, state: 'committed', manifest: entry.manifest }
    found.push([entry.id, copy])
  }
  return found
}

/** Why something could not be read, in plain values. */
export function reasonOf(error: unknown): Omit<Unread, 'repository'> {
  const { code, message, hint } = toHoldfastError(error)
  return { code, message, hint }
}

/** @param unread every repository there is */
export function noneRead(unread: readonly Unread[]): HoldfastError {
  const [first] = unread
  const same = unread.every(({ code }) => code === first?.code)
  const message = `no repository can be read: ${unread.map(({ repository, message: text }) => `${repository}: ${text}`).join('; ')}`
  return new HoldfastError(same && first !== undefined ? first.code : 'STORE_UNAVAILABLE', message)
}

function byTime(a: BackupSeen, b: BackupSeen): number {
  const [one, other] = [describeBackupId(a.backup).time, describeBackupId(b.backup).time]
  return one < other ? -1 : one > other ? 1 : a.backup < b.backup ? -1 : 1
}
