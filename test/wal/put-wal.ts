import { createHash } from 'node:crypto'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { walEncryptionContext } from '../../src/catalog/encryption-context.js'
import { walKey, walName } from '../../src/catalog/wal-keys.js'
import type { ObjectKey, SystemName } from '../../src/domain/ids.js'
import type { KeyRing } from '../../src/domain/keys.js'
import { type WalFile, walHashOf } from '../../src/domain/wal.js'
import { compressZstd } from '../../src/pipeline/compress-zstd.js'
import { encrypt } from '../../src/pipeline/encrypt.js'
import type { Store } from '../../src/storage/store.js'

interface WalToPut {
  readonly store: Store
  readonly keys: KeyRing
  readonly system: SystemName
  readonly systemIdentifier: string
  readonly file: WalFile
  readonly bytes: Uint8Array
  readonly completedAt: Date
}

/** Puts a WAL file as the archiver does: hashed, compressed, encrypted where there is a key, under the name that says all of it. */
export async function putWal({ store, keys, system, systemIdentifier, file, bytes, completedAt }: WalToPut): Promise<ObjectKey> {
  const identity = { ...file, systemIdentifier, hash: walHashOf(createHash('sha256').update(bytes).digest('hex')) }
  const key = walKey(system, identity, { completedAt, encrypted: keys.active !== undefined })
  const context = walEncryptionContext(system, walName(identity))
  const encryption = keys.active === undefined ? [] : [encrypt({ key: keys.active, context })]
  const passing = new PassThrough({ highWaterMark: bytes.length + 2 ** 20 })
  const [stored] = await Promise.all([
    buffer(passing),
    pipeline([Readable.from([bytes]), compressZstd({ level: 1 }), ...encryption, passing]),
  ])
  await store.put(key, stored, { ifAbsent: true })
  return key
}
