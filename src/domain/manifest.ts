import type { BackupId, BackupKind, Crc32, Sha256, SystemName } from './ids.js'
import type { Lsn } from './lsn.js'

/** One object of a backup, as stored (after compression and encryption). */
export interface Artifact {
  /** File name under the attempt, e.g. `base.tar.zst.enc`. No `/`. */
  readonly name: string
  readonly role: ArtifactRole
  readonly sizeBytes: number
  readonly crc32: Crc32
  readonly sha256: Sha256
  /** OID of the tablespace whose files it holds; roles `tablespace` only. */
  readonly tablespace?: string
  /** OID of the database it is a dump of; role `dump` only. */
  readonly database?: string
}

export type ArtifactRole =
  | 'base' // the data directory, tar
  | 'tablespace' // one tablespace, tar
  | 'wal' // the WAL between start and stop, tar
  | 'backup-manifest' // PostgreSQL's backup_manifest
  | 'configuration' // configuration files outside the data directory, tar
  | 'globals' // roles and their settings, SQL
  | 'dump' // one database, as pg_dump wrote it
  | 'inventory' // what the server held, JSON

export interface Tablespace {
  readonly oid: string
  readonly name: string
  /** Directory on the original server. */
  readonly location: string
}

/** What every backup of a PostgreSQL server says of it. */
interface ServerFacts {
  readonly engine: 'postgres'
  /** Decimal digits, as pg_control_system() prints it. */
  readonly systemIdentifier: string
  /** e.g. `15.18` and 150018. */
  readonly serverVersion: string
  readonly serverVersionNumber: number
  readonly dataChecksums: boolean
  /** Bytes of all files restored, an estimate from the server at capture. */
  readonly dataBytes: number
}

/** Of a physical backup: what identifies a PostgreSQL cluster and the span of WAL it needs. */
export interface PostgresFacts extends ServerFacts {
  readonly timeline: number
  readonly startLsn: Lsn
  readonly stopLsn: Lsn
  readonly segmentSizeBytes: number
  readonly tablespaces: readonly Tablespace[]
}

/** Of a logical backup: it needs no WAL, and its tables come back in the default tablespace. */
export interface PostgresDumpFacts extends ServerFacts {
  /** pg_dump's format; a directory is kept as one tar archive. */
  readonly dumps: 'custom' | 'directory'
}

/** Told apart by `'dumps' in facts`. */
export type EngineFacts = PostgresFacts | PostgresDumpFacts

/** What an engine says of a finished capture. */
export interface Captured {
  readonly artifacts: readonly Artifact[]
  readonly facts: EngineFacts
  /** ISO 8601 UTC: when the capture really began and ended. The stop is what a restore target is compared with. */
  readonly startedAt: string
  readonly stoppedAt: string
  /** Versions of the tools used, by program name. */
  readonly tools: Readonly<Record<string, string>>
  /** What was done otherwise than one might expect, for the reader of the manifest. */
  readonly notes: readonly string[]
}

/** A capture as it lies in the capture repository. */
export interface StoredCapture extends Captured {
  /** Of the key its artifacts are encrypted with; absent: not encrypted. */
  readonly keyId?: string
}

/**
 * `manifest.json`: written last, once per repository, the same bytes in each. It never changes.
 * Version 1 of the format; see src/catalog/FORMAT.md.
 */
export interface Manifest {
  readonly formatVersion: 1
  readonly backup: BackupId
  readonly system: SystemName
  readonly kind: BackupKind
  readonly origin: 'captured' | 'synthetic'
  /** Directory of the artifacts below the manifest's: `a1`, `a2`, … */
  readonly attempt: string
  /** ISO 8601 UTC. When the run was due: scheduled time, else start of its workflow. Names the backup. */
  readonly dueAt: string
  readonly startedAt: string
  readonly stoppedAt: string
  readonly facts: EngineFacts
  readonly artifacts: readonly Artifact[]
  readonly compression: 'zstd'
  /** `keyId` absent: not encrypted. */
  readonly encryption: { readonly format: 'aws-encryption-sdk' | 'none'; readonly keyId?: string }
  readonly parent?: BackupId
  readonly milestone?: string
  readonly holdfastVersion: string
  readonly tools: Readonly<Record<string, string>>
  readonly requestedBy: string
  readonly reason: string
  readonly notes: readonly string[]
}
