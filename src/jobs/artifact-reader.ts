import type { Duplex, Readable } from 'node:stream'
import { encryptionContext } from '../catalog/encryption-context.js'
import { artifactKey } from '../catalog/keys.js'
import type { Repository } from '../composition/repository.js'
import type { HoldfastError } from '../domain/errors.js'
import type { RepositoryName } from '../domain/ids.js'
import type { KeyRing } from '../domain/keys.js'
import type { Artifact, Manifest } from '../domain/manifest.js'
import type { ArtifactReader } from '../engines/engine.js'
import { decompressZstd } from '../pipeline/decompress-zstd.js'
import { decrypt } from '../pipeline/decrypt.js'
import { expectDigest } from '../pipeline/digest.js'
import { consumeThrough, ReadingFailed } from './consume-through.js'
import { allOf, asProblemOf } from './reading-problems.js'

interface ReaderOptions {
  readonly manifest: Manifest
  /** Nearest first. */
  readonly sources: readonly Repository[]
  readonly keys: KeyRing
  readonly signal: AbortSignal
}

/** Which repository each artifact came from, and what was wrong with the ones before it. */
export interface ReadingRecord {
  readonly from: Record<string, RepositoryName>
  readonly problems: string[]
}

export interface RecordingReader extends ArtifactReader {
  readonly record: ReadingRecord
}

/** Reads the artifacts of one backup, each from the nearest repository that has it whole. */
export function createArtifactReader(options: ReaderOptions): RecordingReader {
  const record: ReadingRecord = { from: {}, problems: [] }
  const readNearest = async <T>(artifact: Artifact, consume: Consumer<T>, unpack: Unpacking): Promise<T> => {
    const problems: HoldfastError[] = []
    for (const repository of options.sources) {
      try {
        const result = await readFrom(repository, artifact, options, consume, unpack)
        record.from[artifact.name] = repository.name
        return result
      } catch (error) {
        options.signal.throwIfAborted()
        if (!(error instanceof ReadingFailed)) throw error
        const problem = asProblemOf(repository, artifact.name, error.cause)
        problems.push(problem)
        record.problems.push(problem.message)
      }
    }
    throw allOf(problems, artifact.name)
  }
  return {
    record,
    read: (artifact, consume) => readNearest(artifact, consume, () => [decompressZstd()]),
    readCompressed: (artifact, consume) => readNearest(artifact, consume, () => []),
  }
}

type Consumer<T> = (source: Readable) => Promise<T>
/** The last stages, made anew for each try. */
type Unpacking = () => readonly Duplex[]

async function readFrom<T>(
  repository: Repository,
  artifact: Artifact,
  options: ReaderOptions,
  consume: Consumer<T>,
  unpack: Unpacking,
): Promise<T> {
  const { manifest, keys, signal } = options
  const key = artifactKey(manifest.backup, manifest.attempt, artifact.name)
  const stored = await repository.store.get(key, { signal }).catch((cause: unknown) => {
    throw new ReadingFailed(cause)
  })
  const context = encryptionContext(manifest.system, manifest.backup, artifact.name)
  const decryption = manifest.encryption.format === 'none' ? [] : [decrypt({ keys, context })]
  const stages = [expectDigest(artifact, artifact.name), ...decryption, ...unpack()]
  return consumeThrough(stored, stages, consume, signal)
}
