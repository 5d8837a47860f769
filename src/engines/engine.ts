import type { Readable } from 'node:stream'
import type { BackupKind } from '../domain/ids.js'
import type { Instance, InstanceLogin } from '../domain/instance.js'
import type { Artifact, ArtifactRole, Captured, EngineFacts, Manifest } from '../domain/manifest.js'
import type { CheckResult, CheckStage, Recovered } from '../domain/operations.js'
import type { Recovery } from '../domain/plan-recovery.js'
import type { Progress } from '../domain/progress.js'
import type { DatabaseRestorer } from './database-restorer.js'

/** What a look at the source tells before a backup. */
export interface Probe {
  /** What makes this server itself and no other: a PostgreSQL system identifier. */
  readonly identity: string
  readonly version: string
  readonly versionNumber: number
  /** Of what a backup reads, uncompressed. An estimate. */
  readonly estimatedBytes: number
  /** Findings in the order of the checks; a `failed` one means that a capture will not work. */
  readonly findings: readonly Finding[]
}

export interface Finding {
  readonly subject: string
  readonly outcome: 'ok' | 'warning' | 'failed'
  readonly message: string
  readonly hint?: string
}

/** Where an engine puts what it captures. */
export interface CaptureSink {
  /** Directory for scratch files, on the file system of the capture repository; removed afterwards. */
  readonly scratchDirectory: string
  /**
   * Compresses (unless it is already), encrypts, hashes and stores a stream as one artifact; resolves when it is durable.
   * `name` is without the suffixes the sink adds (`base.tar` becomes `base.tar.zst.enc`). May be called at any time, also in parallel.
   */
  artifact(name: string, content: ArtifactContent): Promise<Artifact>
  progress(progress: Progress): void
}

export interface ArtifactContent {
  readonly role: ArtifactRole
  readonly tablespace?: string
  readonly database?: string
  readonly compressed: 'zstd' | 'no'
  readonly source: Readable
}

/** Reads artifacts back: fetched, digests checked, decrypted, decompressed. */
export interface ArtifactReader {
  /**
   * Calls `consume` with the plain bytes. Damage shows late: the stream then fails, and once `consume` has failed with it,
   * `consume` is called again with a stream from the next repository that has the artifact. So it must begin from nothing
   * each time (remove what an earlier call wrote), and its result counts only when it resolves.
   * @throws ARTIFACT_DAMAGED, ARTIFACT_MISSING naming the artifact and the repositories, when none has it whole.
   */
  read<T>(artifact: Artifact, consume: (source: Readable) => Promise<T>): Promise<T>

  /** The same, still compressed by zstd: for programs that decompress, on a core of their own, what need not pass through us. */
  readCompressed<T>(artifact: Artifact, consume: (source: Readable) => Promise<T>): Promise<T>
}

/** What an engine does for a class of systems. Bulk methods run inside a job. `C` is the engine's connection options. */
export interface Engine {
  readonly name: EngineFacts['engine']
  readonly kinds: readonly BackupKind[]
  /** @throws SOURCE_UNAVAILABLE, SOURCE_DENIED, TOOL_MISSING */
  probe(kind: BackupKind, signal: AbortSignal): Promise<Probe>
  /**
   * Directory of the programs that can run what was captured.
   * @param serverVersion major version of the new server; the original's where left out
   * @throws TOOL_MISSING; NOT_SUPPORTED for a version the backup cannot be restored into
   */
  binDirectoryFor(facts: EngineFacts, serverVersion?: string): Promise<string>
  /** Is everything that is asked for in the backup? Reads little of it. @throws NOT_FOUND, NOT_SUPPORTED */
  checkSelection(request: SelectionRequest): Promise<void>
  /** Can this host run what was captured? Reads little of it. @returns what the operator should know. @throws TOOL_MISSING */
  checkHost(request: HostRequest, signal: AbortSignal): Promise<string[]>
  /** @throws CAPTURE_LOST when the source broke the capture off; it is then begun again from nothing. */
  capture(request: { kind: BackupKind; label: string }, sink: CaptureSink, signal: AbortSignal): Promise<Captured>
  /** Extracts and configures a backup in the directories of a new instance. */
  prepare(request: PrepareRequest, signal: AbortSignal): Promise<void>
  /**
   * Waits for a started instance to finish its recovery, and makes sure that it reached what it was to reach.
   * @throws RECOVERY_FAILED, OUTSIDE_WINDOW, and why the WAL could not be delivered
   */
  recover(request: RecoverRequest, signal: AbortSignal): Promise<RecoverOutcome>
  check(request: CheckRequest, signal: AbortSignal): Promise<CheckResult[]>
  /** How the superuser of a prepared instance logs in. */
  loginOf(instance: Instance): Promise<InstanceLogin>
  /** Absent where backups hold no databases that a running server could take. */
  readonly databases?: DatabaseRestorer
}

export interface SelectionRequest {
  readonly manifest: Manifest
  readonly reader: ArtifactReader
  /** Schemas and tables, as in `RestoreRequest`; everything where left out. */
  readonly only?: readonly string[]
}

export interface HostRequest {
  readonly manifest: Manifest
  readonly reader: ArtifactReader
  /** Of the programs that are to run it. */
  readonly binDirectory: string
}

export interface PrepareRequest extends SelectionRequest {
  readonly instance: Instance
  /** From archived WAL; to the backup's own end where left out. */
  readonly recovery?: Recovery
  readonly progress: (progress: Progress) => void
}

export interface RecoverRequest {
  readonly instance: Instance
  readonly manifest: Manifest
  readonly recovery?: Recovery
  readonly progress: (progress: Progress) => void
}

export type RecoverOutcome =
  | ({ readonly outcome: 'recovered' } & Recovered)
  /** It does not run, or waits for ever: it is to be stopped and started, with settings that may have been changed. */
  | { readonly outcome: 'start-again'; readonly why: string }

export interface CheckRequest extends SelectionRequest {
  readonly instance: Instance
  readonly stage: CheckStage
  /** Whether archived WAL was replayed: then definitions may have changed since the backup. */
  readonly recovery?: Recovery
}
