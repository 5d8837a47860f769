import type { BackupId, BackupKind, InstanceName, RepositoryName, SystemName } from './ids.js'

/** What `backupSystem` needs to know of the configuration. Small and free of secrets: it is in the workflow's history. */
export interface BackupPlan {
  readonly backup: BackupId
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

/** Where `restoreToNewInstance` runs and how long it may take. The backup itself is chosen on that host. */
export interface RestorePlan {
  readonly instance: InstanceName
  readonly system: SystemName
  readonly queues: HostQueues
  readonly timeouts: PlanTimeouts
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
  /** Repositories that could not be asked or held, and manifests that could not be used, with the reason. */
  readonly away: readonly string[]
}

/** What the look at the source before a capture tells the rest of the run. */
export interface Precheck {
  readonly estimatedBytes: number
  readonly serverVersion: string
  readonly warnings: readonly string[]
}
