import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { encryptionContext } from '../catalog/encryption-context.js'
import { artifactKey } from '../catalog/keys.js'
import type { KeyRing } from '../domain/keys.js'
import type { Artifact } from '../domain/manifest.js'
import type { ArtifactContent, CaptureSink } from '../engines/engine.js'
import { compressZstd } from '../pipeline/compress-zstd.js'
import { digest } from '../pipeline/digest.js'
import { encrypt } from '../pipeline/encrypt.js'
import type { Growing } from '../storage/store.js'
import type { CaptureSpec } from './job-spec.js'
import type { JobVoice } from './serve-job.js'

interface SinkOptions {
  readonly growing: Growing
  readonly scratchDirectory: string
  readonly spec: CaptureSpec
  readonly keys: KeyRing
  readonly compressionLevel: number
  readonly voice: JobVoice
}

/**
 * Where an engine's streams become artifacts: compress, encrypt, hash, write, sync. Each artifact's name is announced when
 * its file is there, so that replications follow it while it grows.
 */
export function createCaptureSink(options: SinkOptions): CaptureSink {
  const { voice, scratchDirectory } = options
  return {
    scratchDirectory,
    progress: (progress) => voice.progress(progress),
    artifact: (name, content) => storeArtifact(name, content, options),
  }
}

async function storeArtifact(plainName: string, content: ArtifactContent, options: SinkOptions): Promise<Artifact> {
  const { spec, keys, voice } = options
  const name = `${plainName}.zst${keys.active === undefined ? '' : '.enc'}`
  const object = await options.growing.create(artifactKey(spec.backup, spec.attempt, name))
  voice.announce(name)
  const digested = digest()
  const compression = content.compressed === 'zstd' ? [] : [compressZstd({ level: options.compressionLevel })]
  const context = encryptionContext(spec.system, spec.backup, name)
  const encryption = keys.active === undefined ? [] : [encrypt({ key: keys.active, context })]
  try {
    await pipeline([content.source as Readable, ...compression, ...encryption, digested, object.writable], {
      signal: voice.signal,
    })
    await object.commit()
  } catch (error) {
    await object.discard()
    throw voice.signal.aborted ? voice.signal.reason : error
  }
  const { tablespace, database } = content
  const ofWhat = { ...(tablespace === undefined ? {} : { tablespace }), ...(database === undefined ? {} : { database }) }
  return { name, role: content.role, ...digested.result(), ...ofWhat }
}
