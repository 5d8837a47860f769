import { createHash } from 'node:crypto'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { walEncryptionContext } from '../catalog/encryption-context.js'
import { walName } from '../catalog/wal-keys.js'
import { HoldfastError } from '../domain/errors.js'
import type { SystemName } from '../domain/ids.js'
import type { KeyRing } from '../domain/keys.js'
import { type WalObject, walHashOf } from '../domain/wal.js'
import { decompressZstd } from '../pipeline/decompress-zstd.js'
import { decrypt } from '../pipeline/decrypt.js'
import type { CallOptions, Store } from '../storage/store.js'

export interface WalPlace {
  readonly store: Store
  readonly keys: KeyRing
  readonly system: SystemName
}

/**
 * A small WAL file whole, as PostgreSQL has it: a history file. Its context and hash are those its key says.
 * @throws NOT_FOUND, ARTIFACT_DAMAGED, KEY_MISSING, the store's errors
 */
export async function readSmallWalFile(place: WalPlace, object: WalObject, options: CallOptions = {}): Promise<Buffer> {
  const { store, keys, system } = place
  const stored = await store.get(object.key, options)
  const context = walEncryptionContext(system, walName(object))
  const stages = [...(object.encrypted ? [decrypt({ keys, context })] : []), decompressZstd()]
  const chunks: Buffer[] = []
  let sizeBytes = 0
  const collector = new Writable({
    write(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length
      chunks.push(chunk)
      done(sizeBytes > limitBytes ? damaged(object, `it is larger than ${limitBytes} bytes`) : null)
    },
  })
  await pipeline([stored, ...stages, collector])
  const bytes = Buffer.concat(chunks)
  const found = walHashOf(createHash('sha256').update(bytes).digest('hex'))
  if (found !== object.hash) throw damaged(object, `its hash is ${found}`)
  return bytes
}

/** A line for each promotion a cluster has seen. */
const limitBytes = 1024 * 1024

function damaged({ key }: WalObject, what: string): HoldfastError {
  return new HoldfastError('ARTIFACT_DAMAGED', `${key} is damaged: ${what}`)
}
