import type { BackupKind, RepositoryName, SystemName } from '../domain/ids.js'

/** A validated `holdfast.yaml`: every default filled in, every path absolute, units in the names. Holds references to secrets, no secret. */
export interface Config {
  readonly version: 1
  /** Name of this machine: the task queues `host-<name>`. */
  readonly host: string
  /** Absolute, at most 70 bytes: the sockets of the jobs live below it. */
  readonly stateDirectory: string
  readonly temporal: TemporalConfig
  readonly encryption: EncryptionConfig
  readonly instances: InstancesConfig
  readonly tools: ToolsConfig
  readonly worker: WorkerConfig
  readonly timeouts: TimeoutsConfig
  readonly repositories: Readonly<Record<RepositoryName, RepositoryConfig>>
  readonly systems: Readonly<Record<SystemName, SystemConfig>>
}

/** Where a secret is; `file` is absolute. */
export type SecretReference = { readonly env: string } | { readonly file: string }

/** What the file says; `temporalConnectionOptions` lets TEMPORAL_* variables win. */
export interface TemporalConfig {
  readonly address: string
  readonly namespace: string
  readonly apiKey?: SecretReference
  readonly tls?: TemporalTlsConfig
}

export interface TemporalTlsConfig {
  readonly caFile?: string
  readonly certFile?: string
  readonly keyFile?: string
  readonly serverName?: string
}

export type EncryptionConfig =
  | { readonly kind: 'off' }
  | { readonly kind: 'keys'; readonly activeKey: string; readonly keys: Readonly<Record<string, SecretReference>> }

export interface InstancesConfig {
  readonly directory: string
  /** Operating-system user the restored servers run as. */
  readonly user: string
  /** Both inclusive. */
  readonly ports: { readonly first: number; readonly last: number }
}

export interface ToolsConfig {
  /** Major version → directory of the server's programs. Versions left out are searched for. */
  readonly postgres: Readonly<Record<string, string>>
}

export interface WorkerConfig {
  readonly bulkSlots: number
  readonly shutdownGraceMs: number
}

export interface TimeoutsConfig {
  readonly heartbeatMs: number
  readonly leaseMs: number
  readonly jobPatienceMs: number
  readonly lightMs: number
  readonly captureMs: number
  readonly extractMs: number
  readonly replayMs: number
  readonly replicationDeadlineMs: number
  readonly retryIntervalMs: number
  readonly retryMaximumIntervalMs: number
}

export type RepositoryConfig = FilesystemRepositoryConfig | S3RepositoryConfig

interface AnyRepositoryConfig {
  readonly name: RepositoryName
  readonly retention: RetentionConfig
  /** How long a copy may stay away before the backup is left degraded. */
  readonly replicationDeadlineMs: number
}

export interface FilesystemRepositoryConfig extends AnyRepositoryConfig {
  readonly store: 'filesystem'
  readonly path: string
  readonly capture: boolean
}

export interface S3RepositoryConfig extends AnyRepositoryConfig {
  readonly store: 's3'
  readonly capture: false
  readonly bucket: string
  /** No `/` at either end; '' for the whole bucket. */
  readonly prefix: string
  readonly region: string
  /** Absent: Amazon's own. */
  readonly endpoint?: string
  readonly forcePathStyle: boolean
  /** Absent: what the AWS SDK finds by itself (role, profile, variables). */
  readonly credentials?: S3CredentialsConfig
  readonly tls?: { readonly caFile: string }
  readonly storageClass?: string
  /** Absent: chosen from the size of what is uploaded. */
  readonly partSizeBytes?: number
  readonly partsInFlight: number
  readonly requestTimeoutMs: number
}

export interface S3CredentialsConfig {
  readonly accessKeyId: SecretReference
  readonly secretAccessKey: SecretReference
  readonly sessionToken?: SecretReference
}

/** Both absent: everything is kept. */
export interface RetentionConfig {
  readonly days?: number
  readonly fulls?: number
}

export type SystemConfig = PostgresSystemConfig

export interface PostgresSystemConfig {
  readonly engine: 'postgres'
  readonly name: SystemName
  readonly host: string
  readonly connection: PostgresConnectionConfig
  /** In the order of the file; the capture repository is one of them. */
  readonly repositories: readonly RepositoryName[]
  /** The one with `capture: true`. Always a filesystem repository. */
  readonly captureRepository: RepositoryName
  readonly kinds: Readonly<Partial<Record<Exclude<BackupKind, 'logical'>, KindConfig>>> & { readonly logical?: LogicalKindConfig }
  /** Absent: WAL between backups is not archived. */
  readonly wal?: WalConfig
  readonly objectives: ObjectivesConfig
  readonly compression: CompressionConfig
  readonly limits: LimitsConfig
  readonly hooks: HooksConfig
}

export interface PostgresConnectionConfig {
  /** All are asked; the one that takes writes is preferred. `host` is a name, an address or the directory of a Unix socket. Never empty. */
  readonly hosts: readonly PostgresHost[]
  readonly user: string
  /** Absent: trust, peer, a certificate or ~/.pgpass. */
  readonly password?: SecretReference
  readonly database: string
  readonly connectTimeoutMs: number
  readonly tls: PostgresTlsConfig
}

export interface PostgresHost {
  readonly host: string
  readonly port: number
}

/** libpq's sslmode and files. */
export interface PostgresTlsConfig {
  readonly mode: 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'
  readonly caFile?: string
  readonly certFile?: string
  readonly keyFile?: string
}

export interface KindConfig {
  /** Those of the system where the file names none. */
  readonly repositories: readonly RepositoryName[]
}

export interface LogicalKindConfig extends KindConfig {
  /** Absent: all that allow connections, without the templates. */
  readonly databases?: readonly string[]
  /** Connections to dump and restore with; 1: dumps are streamed and never lie uncompressed on a disk. */
  readonly jobs: number
}

export interface WalConfig {
  /** Streamed from the server, segment by segment, to every repository of the system. */
  readonly mode: 'stream'
  /** The server is told to forget WAL once all of these hold it. */
  readonly required: readonly RepositoryName[]
  /** Absolute, on the system's host; of this system alone. */
  readonly spoolDirectory: string
  /** Of what waits in the spool for repositories. */
  readonly spoolMaximumBytes: number
  /** How often the archive is brought up to the moment, also of a server that writes little, and that is proven by a mark. */
  readonly markIntervalMs: number
}

export interface ObjectivesConfig {
  readonly rpoMs?: number
  readonly rtoMs?: number
  readonly backupWindowMs?: number
}

export interface CompressionConfig {
  /** `auto`: by the server where it can, else by the client, else by Holdfast. */
  readonly where: 'auto' | 'server' | 'client' | 'holdfast'
  /** zstd's, 1 to 19. */
  readonly level: number
}

/** Absent: unlimited. */
export interface LimitsConfig {
  readonly maxRateBytesPerSecond?: number
  readonly uploadRateBytesPerSecond?: number
}

/** Program and arguments each; run without a shell. */
export interface HooksConfig {
  readonly before: readonly (readonly string[])[]
  readonly after: readonly (readonly string[])[]
}
