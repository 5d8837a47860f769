import type { BackupId, BackupKind, DatabaseName, InstanceName, RepositoryName, SystemName } from './ids.js'
import type { InstanceLogin } from './instance.js'
import type { Lsn } from './lsn.js'
import type { RestoreTarget } from './recovery-target.js'

/** Input of `backupSystem`. */
export interface BackupRequest {
  readonly system: SystemName
  readonly kind: BackupKind
  readonly milestone?: string
  /** Who asked (`alice@db1`, `schedule`), and why. Recorded in the manifest. */
  readonly requestedBy: string
  readonly reason: string
}

/** Input of `archiveWal` and `forgetWal`. */
export interface WalRequest {
  readonly system: SystemName
  readonly requestedBy: string
  readonly reason: string
  /** Gaps a full backup was started for; handed on from run to run. */
  readonly answered?: readonly string[]
  /** Of `archiveWal`: that was asked for while it was being stopped. Of `forgetWal`: always. */
  readonly dropGuard?: boolean
}

export type CopyState =
  | { readonly state: 'committed' }
  /** `code` and `message` say why there is no copy, `hint` what to do; `left`: what was sent of it is still there. */
  | {
      readonly state: 'missing'
      readonly code: string
      readonly message: string
      readonly hint?: string
      readonly left?: true
    }

/** Result of `backupSystem`. */
export interface BackupReport {
  readonly backup: BackupId
  readonly system: SystemName
  readonly outcome: 'complete' | 'degraded'
  readonly attempts: number
  readonly copies: Readonly<Record<RepositoryName, CopyState>>
  /** Uncompressed; absent in reports of older workers. */
  readonly dataBytes?: number
  readonly storedBytes: number
  readonly startedAt: string
  readonly endedAt: string
  /** Things the operator should know and that did not fail the backup: a hook after it, a check not run. */
  readonly warnings: readonly string[]
}

/** Input of `restoreToNewInstance`. */
export interface RestoreRequest {
  readonly system: SystemName
  readonly instance: InstanceName
  readonly target: RestoreTarget
  /** The timeline to recover along; the current one where left out. */
  readonly timeline?: number
  /** The backup to recover from; the newest before the target where left out. */
  readonly base?: BackupId
  /** Which kind `latest` looks for; `full` where left out. A backup named by its id may be of any kind. */
  readonly kind?: BackupKind
  /** Of a logical backup these alone: schemas (`sales`) and tables (`public.trades`), in every database that has them. */
  readonly only?: readonly string[]
  /** Major version of the new server, for logical backups; the original's where left out. */
  readonly serverVersion?: string
  /** Read from here alone; else the nearest first, the others in reserve. */
  readonly repository?: RepositoryName
  /** Leave a failed instance on disk for a look instead of removing it. */
  readonly onFailure: 'remove' | 'keep'
  readonly requestedBy: string
  readonly reason: string
}

/** Input of `restoreIntoDatabase`. */
export interface DatabaseRestoreRequest extends Pick<RestoreRequest, 'system' | 'target' | 'only' | 'repository'> {
  /** The system whose server it becomes a database of. */
  readonly into: SystemName
  /** Name of the new database. */
  readonly database: DatabaseName
  /** Name of the original; may be left out where the backup holds but one database. */
  readonly from?: DatabaseName
  /** `drop`: without owners and privileges. */
  readonly owners: 'keep' | 'drop'
  readonly requestedBy: string
  readonly reason: string
}

/** Result of `restoreIntoDatabase`. */
export interface DatabaseRestoreReport {
  readonly into: SystemName
  readonly database: DatabaseName
  readonly system: SystemName
  readonly backup: BackupId
  /** Name of the original. */
  readonly from: string
  /** Those that artifacts were read from. */
  readonly repositories: readonly RepositoryName[]
  /** As in RestoreReport, and settings of the original that the server refused. */
  readonly problems: readonly string[]
  readonly connection: { readonly host: string; readonly port: number; readonly user: string }
  readonly checks: readonly CheckResult[]
  readonly startedAt: string
  readonly endedAt: string
}

/** Result of `restoreToNewInstance`. */
export interface RestoreReport {
  readonly instance: InstanceName
  readonly system: SystemName
  readonly backup: BackupId
  /** Those that artifacts were read from. */
  readonly repositories: readonly RepositoryName[]
  /** What could not be read: repositories, manifests, and artifacts that were damaged or missing in one and came from another. */
  readonly problems: readonly string[]
  readonly connection: {
    readonly host: string
    readonly port: number
    readonly socketDirectory: string
    /** Who may enter the socket's directory. */
    readonly systemUser?: string
    /** Its superuser, who needs no password there. */
    readonly login?: InstanceLogin
  }
  readonly dataDirectory: string
  /** Its own, begun by its promotion. */
  readonly timeline: number
  /** Where archived WAL was replayed. */
  readonly recovery?: RecoveryReport
  readonly checks: readonly CheckResult[]
  readonly startedAt: string
  readonly endedAt: string
}

/** What was to be recovered, and what was. */
export interface RecoveryReport {
  readonly target: RestoreTarget
  /** The original's, along which it was recovered. */
  readonly timeline: number
  /** What the archive was proven to hold. */
  readonly expected: { readonly lsn: Lsn; readonly at: string }
  readonly reached: ReachedPoint
}

export interface ReachedPoint {
  /** Where the instance left the original's history. */
  readonly lsn: Lsn
  /** When the last transaction that was replayed had ended, by the original's clock; absent where none was. */
  readonly at?: string
}

/** How a recovery ended. */
export interface Recovered {
  /** The instance's own timeline. */
  readonly timeline: number
  /** Where archived WAL was replayed. */
  readonly reached?: ReachedPoint
}

/** One check of a restored instance. Checks that could not be run are listed with the reason, never passed over. */
export interface CheckResult {
  readonly name: string
  readonly stage: CheckStage
  readonly outcome: 'passed' | 'failed' | 'not-run'
  readonly message: string
}

/** The check that tells what of a dump the new server refused. */
export const statementsCheck = 'statements'

export type CheckStage = 'beforeStart' | 'running' | 'afterStop'
