import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Artifact } from '../../domain/manifest.js'
import { follow } from '../../pipeline/follow.js'
import type { ArtifactContent, CaptureSink } from '../engine.js'
import { feedSink } from './feed-sink.js'

interface StagingOptions {
  readonly directory: string
  readonly sink: CaptureSink
  readonly pollMs: number
  /** Aborted when the capture fails anywhere: then nothing is followed any more. */
  readonly signal: AbortSignal
  /** True once pg_basebackup has exited with status 0. */
  readonly isComplete: () => boolean
  /** Called with the archive handled last, once in each round. */
  readonly onRound: (item: string | undefined) => Promise<void>
  /** Called when an archive could not be stored. */
  readonly onFailure: (error: unknown) => void
}

/**
 * Feeds the archives pg_basebackup writes to the sink while they grow, and removes each as soon as its artifact is durable.
 * The WAL is left out: its archive is finished by rewriting headers in place, so it cannot be followed.
 * @returns the artifacts, tablespaces first as they came
 */
export async function storeArchives(options: StagingOptions): Promise<Artifact[]> {
  const seen: string[] = []
  const stored: Promise<Artifact>[] = []
  const notice = async () => {
    for (const file of await newArchives(options.directory, seen)) {
      seen.push(file)
      const artifact = storeArchive(file, () => isFinished(file, seen, options), options)
      artifact.catch(options.onFailure)
      stored.push(artifact)
    }
  }
  try {
    while (!options.isComplete()) {
      options.signal.throwIfAborted()
      await notice()
      await options.onRound(seen.at(-1))
      await delay(options.pollMs, undefined, { signal: options.signal })
    }
    await notice()
    return await Promise.all(stored)
  } finally {
    // Whoever cleans up after a failure must not find anything still being written.
    await Promise.allSettled(stored)
  }
}

/** Bytes in the staging directory. */
export async function stagedBytes(directory: string): Promise<number> {
  const files = await readdir(directory).catch(() => [])
  const sizes = await Promise.all(
    files.map((file) =>
      stat(join(directory, file)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((total, size) => total + size, 0)
}

const archivePattern = /^(base|\d+)\.tar(\.zst)?$/

async function newArchives(directory: string, seen: readonly string[]): Promise<string[]> {
  const files = await readdir(directory).catch(() => [])
  return files.filter((file) => archivePattern.test(file) && !seen.includes(file)).sort()
}

/** Archives come one after the other, tablespaces first: when base.tar is there, no tablespace grows any more. */
function isFinished(file: string, seen: readonly string[], options: StagingOptions): boolean {
  if (options.isComplete()) return true
  return !file.startsWith('base.') && seen.some((other) => other.startsWith('base.'))
}

async function storeArchive(file: string, finished: () => boolean, options: StagingOptions): Promise<Artifact> {
  const path = join(options.directory, file)
  const handle = await openArchive(path, options.signal)
  try {
    const source = follow(handle, { isFinished: finished, signal: options.signal, pollMs: options.pollMs })
    const artifact = await feedSink(options.sink, file.replace(/\.zst$/, ''), describe(file, source))
    await rm(path, { force: true })
    return artifact
  } finally {
    await handle.close().catch(() => {})
  }
}

/** Time pg_basebackup has to say why it took an archive away again. */
const reasonPatienceMs = 10_000

/** A pg_basebackup that fails removes what it wrote before it ends: why it failed is the reason, and not that the file is gone. */
async function openArchive(path: string, signal: AbortSignal): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      await delay(reasonPatienceMs, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
    throw error
  }
}

function describe(file: string, source: ArtifactContent['source']): ArtifactContent {
  const compressed = file.endsWith('.zst') ? 'zstd' : 'no'
  const [oid = ''] = file.split('.')
  if (oid === 'base') return { role: 'base', compressed, source }
  return { role: 'tablespace', tablespace: oid, compressed, source }
}
