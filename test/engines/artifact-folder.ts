import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Artifact } from '../../src/domain/manifest.js'
import type { Progress } from '../../src/domain/progress.js'
import type { ArtifactContent, ArtifactReader, CaptureSink } from '../../src/engines/engine.js'
import { consumeThrough } from '../../src/jobs/consume-through.js'
import { compressZstd } from '../../src/pipeline/compress-zstd.js'
import { decompressZstd } from '../../src/pipeline/decompress-zstd.js'
import { digest } from '../../src/pipeline/digest.js'

/** Keeps artifacts as files of a directory, compressed and not encrypted. */
export interface ArtifactFolder {
  readonly directory: string
  readonly sink: CaptureSink
  readonly reader: ArtifactReader
  /** All that was reported so far. */
  readonly progress: readonly Progress[]
  /** Files left in the scratch directory. */
  scratchFiles(): Promise<string[]>
  remove(): Promise<void>
}

/** @param onArtifact called when an artifact begins; what it throws fails the artifact */
export async function createArtifactFolder(
  onArtifact: (name: string) => Promise<void> = async () => {},
): Promise<ArtifactFolder> {
  const directory = await mkdtemp(join(tmpdir(), 'artifacts-'))
  const scratchDirectory = join(directory, 'scratch')
  await mkdir(scratchDirectory)
  const progress: Progress[] = []
  return {
    directory,
    progress,
    sink: {
      scratchDirectory,
      progress: (each) => void progress.push(each),
      async artifact(name, content) {
        await onArtifact(name)
        return store(join(directory, `${name}.zst`), name, content)
      },
    },
    reader: {
      read: (artifact, consume) => readThrough(join(directory, artifact.name), [decompressZstd()], consume),
      readCompressed: (artifact, consume) => readThrough(join(directory, artifact.name), [], consume),
    },
    scratchFiles: () => readdir(scratchDirectory, { recursive: true }),
    remove: () => rm(directory, { recursive: true, force: true }),
  }
}

/** As a restore reads: a program that has all it wants before the end is no failure. */
function readThrough<T>(path: string, stages: readonly Duplex[], consume: (source: Readable) => Promise<T>): Promise<T> {
  return consumeThrough(createReadStream(path), stages, consume, new AbortController().signal)
}

async function store(path: string, name: string, content: ArtifactContent): Promise<Artifact> {
  const digested = digest()
  const compression = content.compressed === 'zstd' ? [] : [compressZstd({ level: 1 })]
  await pipeline([content.source as Readable, ...compression, digested, createWriteStream(path)])
  const { tablespace, database } = content
  const ofWhat = { ...(tablespace === undefined ? {} : { tablespace }), ...(database === undefined ? {} : { database }) }
  return { name: `${name}.zst`, role: content.role, ...digested.result(), ...ofWhat }
}
