import type { Config } from '../config/config.js'
import { type BackupId, type BackupKind, describeBackupId, type RepositoryName, type SystemName } from '../domain/ids.js'
import type { BackupSeen, CopySeen, Survey } from './survey-catalogs.js'

/** What one repository has of a backup. `unknown`: it could not be read. */
export interface RowCopy {
  readonly repository: RepositoryName
  readonly state: 'committed' | 'damaged' | 'missing' | 'unknown'
  readonly code?: string
  readonly message?: string
}

/** One backup as `ls` tells it; a line of its JSON too. Absent facts: no manifest of it can be read. */
export interface ListRow {
  readonly backup: BackupId
  readonly system: SystemName
  readonly kind: BackupKind
  /** ISO 8601 UTC, from the id. */
  readonly dueAt: string
  readonly startedAt?: string
  readonly stoppedAt?: string
  /** Of the capture alone: copies may have taken longer. */
  readonly durationMs?: number
  /** Uncompressed; a restore needs that much. */
  readonly dataBytes?: number
  /** Of one copy. */
  readonly storedBytes?: number
  readonly milestone?: string
  readonly encrypted?: boolean
  readonly repositories: readonly RowCopy[]
  /** A repository that should hold it, and could be read, does not hold it whole. */
  readonly degraded: boolean
}

/** Compares what was seen with what the configuration wants. */
export function toRows({ backups, unread }: Survey, config: Config): ListRow[] {
  const silent = new Set(unread.map(({ repository }) => repository))
  return backups.map((seen) => toRow(seen, config, silent))
}

function toRow({ backup, copies }: BackupSeen, config: Config, silent: ReadonlySet<RepositoryName>): ListRow {
  const { system, kind, time } = describeBackupId(backup)
  const wanted = wantedIn(config, system, kind)
  const elsewhere = wanted.filter((repository) => !copies.some((copy) => copy.repository === repository))
  const repositories: RowCopy[] = [
    ...copies.map(toRowCopy),
    ...elsewhere.map((repository): RowCopy => ({ repository, state: silent.has(repository) ? 'unknown' : 'missing' })),
  ].toSorted((a, b) => rank(wanted, a.repository) - rank(wanted, b.repository))
  return {
    backup,
    system,
    kind,
    dueAt: time,
    ...factsOf(copies),
    repositories,
    degraded: repositories.some(({ state }) => state === 'missing' || state === 'damaged'),
  }
}

/** Where backups of a kind are meant to be; nowhere for systems that are configured no more. */
export function wantedIn(config: Config, system: SystemName, kind: BackupKind): readonly RepositoryName[] {
  const known = config.systems[system]
  return known?.kinds[kind]?.repositories ?? known?.repositories ?? []
}

function toRowCopy(copy: CopySeen): RowCopy {
  const { repository, state } = copy
  return copy.state === 'committed' ? { repository, state } : { repository, state, code: copy.code, message: copy.message }
}

function factsOf(copies: readonly CopySeen[]): Partial<ListRow> {
  const manifest = copies.find((copy) => copy.state === 'committed')?.manifest
  if (manifest === undefined) return {}
  const { startedAt, stoppedAt, milestone, artifacts, encryption, facts } = manifest
  return {
    startedAt,
    stoppedAt,
    durationMs: Date.parse(stoppedAt) - Date.parse(startedAt),
    dataBytes: facts.dataBytes,
    storedBytes: artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    ...(milestone === undefined ? {} : { milestone }),
    encrypted: encryption.format !== 'none',
  }
}

function rank(wanted: readonly RepositoryName[], repository: RepositoryName): number {
  const index = wanted.indexOf(repository)
  return index === -1 ? wanted.length : index
}
