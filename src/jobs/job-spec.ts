import { createHash } from 'node:crypto'
import { z } from 'zod'
import {
  backupKinds,
  parseBackupId,
  parseDatabaseName,
  parseInstanceName,
  parseRepositoryName,
  parseSystemName,
} from '../domain/ids.js'
import { parseLsn } from '../domain/lsn.js'
import type { Recovery } from '../domain/plan-recovery.js'
import { segmentNamePattern } from '../domain/wal.js'

/** Every job reads the configuration itself, so that no secret is in its spec. */
const base = { configPath: z.string() }

const capture = z.strictObject({
  ...base,
  kind: z.literal('capture'),
  system: z.string().transform(parseSystemName),
  backup: z.string().transform(parseBackupId),
  backupKind: z.enum(backupKinds),
  attempt: z.string().regex(/^a\d+$/),
})

const replicate = z.strictObject({
  ...base,
  kind: z.literal('replicate'),
  system: z.string().transform(parseSystemName),
  backup: z.string().transform(parseBackupId),
  attempt: z.string().regex(/^a\d+$/),
  to: z.string().transform(parseRepositoryName),
  /** Name of the capture job to follow. */
  captureJob: z.string(),
  /** Of every multipart upload of this attempt, so that a resumed upload goes on in the same steps. */
  partBytes: z.int().positive(),
})

const extract = z.strictObject({
  ...base,
  kind: z.literal('extract'),
  system: z.string().transform(parseSystemName),
  backup: z.string().transform(parseBackupId),
  instance: z.string().transform(parseInstanceName),
  /** Nearest first; the others are asked for what the first lacks. */
  sources: z.array(z.string().transform(parseRepositoryName)).min(1).readonly(),
  /** Schemas and tables of a logical backup; all of it where left out. */
  only: z.array(z.string()).min(1).readonly().exactOptional(),
  /** What the new server is to recover from the archive; to the backup's own end where left out. */
  recovery: z.custom<Recovery>((value) => typeof value === 'object' && value !== null).exactOptional(),
})

const fill = z.strictObject({
  ...base,
  kind: z.literal('fill'),
  system: z.string().transform(parseSystemName),
  backup: z.string().transform(parseBackupId),
  /** The system whose server the new database is on. */
  into: z.string().transform(parseSystemName),
  database: z.string().transform(parseDatabaseName),
  /** As the backup calls the original. */
  from: z.string(),
  sources: z.array(z.string().transform(parseRepositoryName)).min(1).readonly(),
  only: z.array(z.string()).min(1).readonly().exactOptional(),
  owners: z.enum(['keep', 'drop']),
  /** The run of the workflow the database belongs to. */
  owner: z.strictObject({ workflowId: z.string(), runId: z.string() }),
})

const receiveWal = z.strictObject({
  ...base,
  kind: z.literal('receive-wal'),
  system: z.string().transform(parseSystemName),
})

const replicateWal = z.strictObject({
  ...base,
  kind: z.literal('replicate-wal'),
  system: z.string().transform(parseSystemName),
  to: z.string().transform(parseRepositoryName),
})

const lsn = z.string().transform(parseLsn)
const segmentFile = z.string().regex(segmentNamePattern)

const prefetchWal = z.strictObject({
  ...base,
  kind: z.literal('prefetch-wal'),
  system: z.string().transform(parseSystemName),
  instance: z.string().transform(parseInstanceName),
  /** Repositories with WAL, nearest first; the others are asked for what the first lacks. */
  sources: z.array(z.string().transform(parseRepositoryName)).min(1).readonly(),
  systemIdentifier: z.string().regex(/^\d+$/),
  segmentSizeBytes: z.int().positive(),
  /** The one recovery ends on. */
  timeline: z.int().positive(),
  /** Segments in the order of replay. */
  pieces: z
    .array(z.strictObject({ timeline: z.int().positive(), firstSegment: segmentFile, lastSegment: segmentFile }))
    .readonly(),
  /** The last of them reaches at least to here. */
  endLsn: lsn,
  /** What replay applies: nothing before where the base begins, and nothing from a target on that is a position. */
  replay: z.strictObject({ fromLsn: lsn.exactOptional(), toLsn: lsn.exactOptional() }).prefault({}),
  /** No older WAL is needed: when the backup began. */
  walSince: z.iso.datetime(),
  /** Most that is held ahead of replay. */
  filesAhead: z.int().positive(),
})

const jobSpec = z.discriminatedUnion('kind', [capture, replicate, extract, fill, receiveWal, replicateWal, prefetchWal])

/** What a job is to do. Read back from a file by the job itself. */
export type JobSpec = z.infer<typeof jobSpec>
export type CaptureSpec = z.infer<typeof capture>
export type ReplicateSpec = z.infer<typeof replicate>
export type ExtractSpec = z.infer<typeof extract>
export type FillSpec = z.infer<typeof fill>
export type ReceiveWalSpec = z.infer<typeof receiveWal>
export type ReplicateWalSpec = z.infer<typeof replicateWal>
export type PrefetchWalSpec = z.infer<typeof prefetchWal>

export function parseJobSpec(text: string): JobSpec {
  return jobSpec.parse(JSON.parse(text))
}

/**
 * The name under which a job is started, adopted and stopped. It holds what makes two jobs the same work:
 * the attempt for a capture, attempt and repository for a replication, the instance for an extraction and for the WAL of a recovery,
 * the run of the workflow for a database, whose name may become free and be taken by another, the system for its archiving.
 */
export function jobNameOf(spec: JobSpec): string {
  switch (spec.kind) {
    case 'capture':
      return captureJobName(spec)
    case 'replicate':
      return replicateJobName(spec)
    case 'extract':
      return extractJobName(spec.instance)
    case 'fill':
      return fillJobName(spec, spec.owner.runId)
    case 'receive-wal':
      return receiveWalJobName(spec.system)
    case 'replicate-wal':
      return replicateWalJobName(spec.system, spec.to)
    case 'prefetch-wal':
      return prefetchJobName(spec.instance)
  }
}

export function captureJobName(attempt: { readonly backup: string; readonly attempt: string }): string {
  return `capture/${attempt.backup}/${attempt.attempt}`
}

export function replicateJobName(copy: { readonly backup: string; readonly attempt: string; readonly to: string }): string {
  return `replicate/${copy.backup}/${copy.attempt}/${copy.to}`
}

export function extractJobName(instance: string): string {
  return `extract/${instance}`
}

export function fillJobName(made: { readonly into: string; readonly database: string }, runId: string): string {
  return `fill/${made.into}/${made.database}/${runId}`
}

export function receiveWalJobName(system: string): string {
  return `receive-wal/${system}`
}

export function replicateWalJobName(system: string, to: string): string {
  return `replicate-wal/${system}/${to}`
}

export function prefetchJobName(instance: string): string {
  return `prefetch-wal/${instance}`
}

/** Short, because a Unix socket's path holds 107 bytes at most. */
export function jobDirectoryName(jobName: string): string {
  return createHash('sha256').update(jobName).digest('hex').slice(0, 16)
}
