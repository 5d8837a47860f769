import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import { artifactKey } from '../../src/catalog/keys.js'
import type { Composition } from '../../src/composition/compose.js'
import { type ObjectKey, parseCrc32, parseRepositoryName, parseSha256 } from '../../src/domain/ids.js'
import type { Artifact } from '../../src/domain/manifest.js'
import type { Progress } from '../../src/domain/progress.js'
import type { Replicated } from '../../src/jobs/replication-count.js'
import { runReplicate } from '../../src/jobs/run-replicate.js'
import { type ServedJob, serveJob } from '../../src/jobs/serve-job.js'
import type { Growing, GrowingObject, Store } from '../../src/storage/store.js'
import { emptyCapture, type JobBench } from './job-bench.js'

/** A capture of the test's own making, served and stored as the real job does. */
export interface PlayedCapture {
  readonly attempt: string
  begin(name: string): Promise<PlayedArtifact>
  /** All in one go. */
  artifact(name: string, bytes: Uint8Array): Promise<Artifact>
  /** Ends it. */
  end(artifacts: readonly Artifact[]): Promise<void>
}

export interface PlayedArtifact {
  readonly key: ObjectKey
  grow(bytes: Uint8Array): Promise<void>
  finish(): Promise<Artifact>
}

export async function playCapture(bench: JobBench, attempt: string): Promise<PlayedCapture> {
  const spec = bench.capture(attempt)
  const growing = await growingOf(bench.composition)
  const directory = bench.directoryOf(spec)
  await mkdir(directory.path, { recursive: true, mode: 0o700 })
  const served: ServedJob = await serveJob(directory)
  const begin = async (name: string): Promise<PlayedArtifact> => {
    const key = artifactKey(spec.backup, attempt, name)
    const object = await growing.create(key)
    served.announce(name)
    return play(key, name, object)
  }
  return {
    attempt,
    begin,
    async artifact(name, bytes) {
      const artifact = await begin(name)
      await artifact.grow(bytes)
      return artifact.finish()
    },
    async end(artifacts) {
      await bench.captureEnded(attempt, emptyCapture(artifacts))
      await served.close()
    },
  }
}

function play(key: ObjectKey, name: string, object: GrowingObject): PlayedArtifact {
  const written: Uint8Array[] = []
  return {
    key,
    async grow(bytes) {
      written.push(bytes)
      if (!object.writable.write(bytes)) await once(object.writable, 'drain')
    },
    async finish() {
      await object.commit()
      return describeArtifact(name, Buffer.concat(written))
    },
  }
}

export function describeArtifact(name: string, bytes: Uint8Array): Artifact {
  return {
    name,
    role: 'base',
    sizeBytes: bytes.length,
    crc32: parseCrc32(crc32(bytes).toString(16).padStart(8, '0')),
    sha256: parseSha256(createHash('sha256').update(bytes).digest('hex')),
  }
}

/** A replication in this process, as the job runs it. */
export interface PlayedReplication {
  readonly ended: Promise<Replicated>
  /** All that was told. */
  readonly progress: readonly Progress[]
  /** As when its process dies: nothing is tidied. */
  stop(): Promise<void>
}

export function playReplication(bench: JobBench, attempt: string, target?: Store): PlayedReplication {
  const stopping = new AbortController()
  const progress: Progress[] = []
  const voice = {
    signal: stopping.signal,
    progress: (each: Progress) => void progress.push(each),
    announce: () => {},
  }
  const composition = target === undefined ? bench.composition : withTarget(bench.composition, target)
  const ended = runReplicate(bench.replicate(attempt), { composition, stateDirectory: bench.stateDirectory, voice })
  ended.catch(() => undefined)
  return {
    ended,
    progress,
    async stop() {
      stopping.abort(new Error('stopped by the test'))
      await ended.catch(() => undefined)
    },
  }
}

function withTarget(composition: Composition, store: Store): Composition {
  const repository: Composition['repository'] = async (name) => ({ ...(await composition.repository(name)), store })
  return { ...composition, repository }
}

async function growingOf(composition: Composition): Promise<Growing> {
  const { growing } = (await composition.repository(parseRepositoryName('local'))).store
  if (growing === undefined) throw new Error('the capture repository must be a local one')
  return growing
}

/** Bytes that do not repeat, so that two parts are never alike. */
export function noise(mebibytes: number): Buffer {
  return randomBytes(mebibytes * 1024 * 1024)
}

export async function readAll(store: Store, key: ObjectKey): Promise<Buffer> {
  return buffer(await store.get(key))
}
