import type { BackupId, BackupKind, InstanceName, ObjectKey, RepositoryName, SystemName } from './ids.js'
import type { Recovery } from './plan-recovery.js'

/** What `backupSystem` needs to know of the configuration. Small and free of secrets: it is in the workflow's history. */
export interface BackupPlan {
  readonly backup: BackupId
  /** Where everything of the backup is, in every repository; without a slash at the end. */
  readonly prefix: ObjectKey
  readonly system: SystemName
  readonly kind: BackupKind
  readonly dueAt: string
  readonly queues: HostQueues
  readonly captureRepository: RepositoryName
  /** The others, fed from the capture repository. */
  readonly copies: readonly CopyPlan[]
  readonly timeouts: PlanTimeouts
}

export interface CopyPlan {
  readonly repository: RepositoryName
  /** From the first commit on. A copy that is not there by then leaves the backup degraded. */
  readonly deadlineMs: number
  /** Wanted size of the parts of an upload. */
  readonly partBytes: number
}

/** Task queues of the host a system's bytes are handled on. */
export interface HostQueues {
  readonly host: string
  readonly bulk: string
}

export interface PlanTimeouts {
  readonly heartbeatMs: number
  readonly leaseMs: number
  readonly lightMs: number
  readonly captureMs: number
  readonly extractMs: number
  readonly replayMs: number
  readonly retryIntervalMs: number
  readonly retryMaximumIntervalMs: number
}

/** All tries of a light step together take this many times its timeout: enough for a server that restarts, or a worker that is replaced. */
export const lightTries = 5

/** Where a restore runs and how long it may take. The backup itself is chosen on that host. */
export interface ReadingPlan {
  readonly system: SystemName
  readonly queues: HostQueues
  readonly timeouts: PlanTimeouts
}

/** Of `restoreToNewInstance`. */
export interface RestorePlan extends ReadingPlan {
  readonly instance: InstanceName
}

/** The backup a restore has chosen. */
export interface RestoreChoice {
  readonly backup: BackupId
  /** Nearest first; all hold the same manifest. */
  readonly sources: readonly RepositoryName[]
  /** Uncompressed, what the instance will need on disk. */
  readonly dataBytes: number
  readonly storedBytes: number
  readonly stoppedAt: string
  /** The original's; physical backups only. */
  readonly timeline?: number
  /** From archived WAL; to the backup's own end where left out. */
  readonly recovery?: Recovery
  /** Repositories to read it from, nearest first, and the moment from which on WAL may be needed. */
  readonly walSources?: readonly RepositoryName[]
  readonly walSince?: string
  /** Repositories that could not be asked or held, and manifests that could not be used, with the reason. */
  readonly away: readonly string[]
}

/** What `archiveWal` needs to know of the configuration. */
export interface WalPlan {
  readonly system: SystemName
  readonly queues: HostQueues
  /** Each gets all of the WAL. */
  readonly repositories: readonly RepositoryName[]
  readonly timeouts: PlanTimeouts
}

/** What the look at the source before a capture tells the rest of the run. */
export interface Precheck {
  readonly estimatedBytes: number
  readonly serverVersion: string
  readonly warnings: readonly string[]
}
