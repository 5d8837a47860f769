import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import type { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { walEncryptionContext } from '../../catalog/encryption-context.js'
import { walKey, walName } from '../../catalog/wal-keys.js'
import { HoldfastError } from '../../domain/errors.js'
import type { ObjectKey, SystemName } from '../../domain/ids.js'
import type { KeyRing } from '../../domain/keys.js'
import { type WalFile, walHashOf } from '../../domain/wal.js'
import { chunkBytes } from '../../pipeline/chunk-size.js'
import { compressZstd } from '../../pipeline/compress-zstd.js'
import { encrypt } from '../../pipeline/encrypt.js'
import type { Spool } from './spool.js'

/** What all files of one spool are sealed with. */
export interface Sealing {
  readonly system: SystemName
  readonly spool: Spool
  readonly keys: KeyRing
  readonly compressionLevel: number
  readonly signal: AbortSignal
}

interface RawFile {
  readonly path: string
  readonly what: WalFile
  readonly systemIdentifier: string
  /** The first bytes are taken as they are, the rest is zero. */
  readonly contentBytes: number
  readonly sizeBytes: number
}

/**
 * Makes of a file of PostgreSQL's the one object that all repositories get: compressed, encrypted, durable. Twice is as good as
 * once: the key holds the hash of the content.
 */
export async function sealFile(sealing: Sealing, raw: RawFile): Promise<ObjectKey> {
  const { system, spool, keys } = sealing
  const handle = await open(raw.path, 'r')
  try {
    const hash = createHash('sha256')
    for await (const piece of contentOf(handle, raw)) hash.update(piece)
    const identity = { ...raw.what, systemIdentifier: raw.systemIdentifier, hash: walHashOf(hash.digest('hex')) }
    const completedAt = (await handle.stat()).mtime
    const key = walKey(system, identity, { completedAt, encrypted: keys.active !== undefined })
    // In a second reading, from the system's memory: the hash is bound into the encryption, whose header comes first.
    if ((await spool.store.head(key)) === undefined) await write(sealing, handle, raw, key, walName(identity))
    return key
  } finally {
    await handle.close()
  }
}

async function write(sealing: Sealing, handle: FileHandle, raw: RawFile, key: ObjectKey, name: string): Promise<void> {
  const { system, spool, keys, compressionLevel, signal } = sealing
  const encryption = keys.active === undefined ? [] : [encrypt({ key: keys.active, context: walEncryptionContext(system, name) })]
  const object = await spool.store.growing.create(key)
  try {
    const compression = compressZstd({ level: compressionLevel })
    const written = pipeline([compression, ...encryption, object.writable], { signal })
    await Promise.all([written, feed(handle, raw, compression)])
    await object.commit()
  } catch (error) {
    await object.discard()
    throw signal.aborted ? signal.reason : named(error)
  }
}

/** Each piece is taken before the next is read: they share their memory. Fails as the stage does, or fails it. */
async function feed(handle: FileHandle, raw: RawFile, stage: Transform): Promise<void> {
  try {
    for await (const piece of contentOf(handle, raw)) {
      await new Promise<void>((taken, refused) => stage.write(piece, (error) => (error ? refused(error) : taken())))
    }
    stage.end()
  } catch (error) {
    stage.destroy(error instanceof Error ? error : new Error(String(error)))
    throw error
  }
}

function named(error: unknown): unknown {
  if (!(error instanceof HoldfastError && error.code === 'SPACE_SHORT')) return error
  return new HoldfastError('SPOOL_SHORT', error.message, { cause: error })
}

/** Pieces of 1 MiB, each in the memory of the one before. */
async function* contentOf(handle: FileHandle, { path, contentBytes, sizeBytes }: RawFile): AsyncGenerator<Buffer> {
  const memory = Buffer.allocUnsafeSlow(Math.min(chunkBytes, sizeBytes))
  let at = 0
  while (at < contentBytes) {
    const { bytesRead } = await handle.read(memory, 0, Math.min(memory.length, contentBytes - at), at)
    if (bytesRead === 0) throw new HoldfastError('LOCAL_IO', `${path} ends at ${at} bytes, before ${contentBytes}`)
    at += bytesRead
    yield memory.subarray(0, bytesRead)
  }
  memory.fill(0)
  for (; at < sizeBytes; at += chunkBytes) yield memory.subarray(0, Math.min(memory.length, sizeBytes - at))
}
