import type { FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { LimitFunction } from 'p-limit'
import { artifactKey } from '../catalog/keys.js'
import type { Repository } from '../composition/repository.js'
import { HoldfastError } from '../domain/errors.js'
import type { ObjectKey } from '../domain/ids.js'
import type { Artifact } from '../domain/manifest.js'
import { follow } from '../pipeline/follow.js'
import { limitRate } from '../pipeline/limit-rate.js'
import type { ObjectInfo } from '../storage/store.js'
import { copyWhole } from './copy-whole.js'
import type { ReplicateSpec } from './job-spec.js'
import type { PartBuffers } from './part-buffers.js'
import type { ReplicationCount } from './replication-count.js'
import type { Pace } from './upload-pacer.js'
import { uploadParts } from './upload-parts.js'

export interface ArtifactCopy {
  readonly spec: ReplicateSpec
  readonly name: string
  /** Settles with the capture: digests are known, or it failed. */
  readonly finished: Promise<Artifact>
  readonly source: Repository
  readonly target: Repository
  readonly limits: ReplicationLimits
  readonly count: ReplicationCount
  readonly signal: AbortSignal
}

/** What all artifacts of one replication share. */
export interface ReplicationLimits {
  readonly artifacts: LimitFunction
  readonly parts: LimitFunction
  readonly buffers: PartBuffers
  /** Absent: unlimited. Holds for all together because artifacts then go one at a time. */
  readonly bytesPerSecond: number | undefined
  /** The same for what is sent in parts: parts that are kept are read as fast as it goes. */
  readonly pace: Pace
}

/** Makes what was sent an object. Waits for the end of the capture. */
export type Complete = () => Promise<void>

/**
 * Copies one artifact while it grows; what the target holds already is kept. Resolves when the target holds all of it.
 * Only the sending takes one of the places: completing waits for the capture, which may need the others to be sent.
 */
export async function replicateArtifact(copy: ArtifactCopy): Promise<void> {
  const key = artifactKey(copy.spec.backup, copy.spec.attempt, copy.name)
  try {
    const complete = await copy.limits.artifacts(() => send(copy, key))
    await complete()
  } catch (error) {
    // Our own request whose answer was lost, repeated: what is there must be what we sent.
    const stored = isAlreadyThere(error) ? await copy.target.store.head(key, copy) : undefined
    if (stored === undefined) throw error
    await insistSame(copy, stored)
  }
}

async function send(copy: ArtifactCopy, key: ObjectKey): Promise<Complete> {
  const there = await copy.target.store.head(key, copy)
  if (there !== undefined) return () => keepWhole(copy, there)
  const handle = await openWhenThere(copy, key)
  const bytes = bytesOf(copy, key, handle)
  // A target that refuses at once ends all copies before anybody reads: an error nobody hears would end the process instead.
  bytes.on('error', () => undefined)
  try {
    const { uploads } = copy.target.store
    return uploads === undefined ? await copyWhole(copy, key, bytes) : await uploadParts(copy, key, bytes, uploads)
  } finally {
    bytes.destroy()
    await handle.close()
  }
}

function bytesOf(copy: ArtifactCopy, key: ObjectKey, handle: FileHandle): Readable {
  const bytes = follow(handle, { isFinished: () => isFinal(copy, key), signal: copy.signal })
  const { bytesPerSecond } = copy.limits
  // Uploads are paced part by part.
  if (bytesPerSecond === undefined || copy.target.store.uploads !== undefined) return bytes
  return bytes.compose(limitRate({ bytesPerSecond }))
}

async function keepWhole(copy: ArtifactCopy, there: ObjectInfo): Promise<void> {
  await insistSame(copy, there)
  copy.count.kept(there.sizeBytes, Math.max(1, Math.ceil(there.sizeBytes / copy.spec.partBytes)))
}

/** By what the store tells without reading: size, and CRC-32 where it knows one. */
async function insistSame(copy: ArtifactCopy, there: ObjectInfo): Promise<void> {
  const artifact = await copy.finished
  const sameCrc = there.crc32 === undefined || there.crc32 === artifact.crc32
  if (there.sizeBytes === artifact.sizeBytes && sameCrc) return
  const message = `${there.key} in ${copy.target.store.description} holds other bytes than the capture`
  throw new HoldfastError('ALREADY_EXISTS', message)
}

function isAlreadyThere(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === 'ALREADY_EXISTS'
}

async function openWhenThere(copy: ArtifactCopy, key: ObjectKey): Promise<FileHandle> {
  let captured = false
  const end = () => {
    captured = true
  }
  copy.finished.then(end, end)
  for (;;) {
    copy.signal.throwIfAborted()
    const last = captured
    const handle = await copy.source.store.growing?.open(key)
    if (handle !== undefined) return handle
    if (last) throw new HoldfastError('ARTIFACT_MISSING', `${copy.name} is not in repository ${copy.source.name} any more`)
    await delay(50)
  }
}

/** The final name appears when the last byte is durable. */
async function isFinal(copy: ArtifactCopy, key: ObjectKey): Promise<boolean> {
  return (await copy.source.store.head(key)) !== undefined
}
