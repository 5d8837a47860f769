import type { Duplex } from 'node:stream'
import { walEncryptionContext } from '../catalog/encryption-context.js'
import { walName } from '../catalog/wal-keys.js'
import { HoldfastError } from '../domain/errors.js'
import type { SystemName } from '../domain/ids.js'
import type { KeyRing } from '../domain/keys.js'
import { type WalObject, walHashOf } from '../domain/wal.js'
import { atMost } from '../pipeline/at-most.js'
import { decompressZstd } from '../pipeline/decompress-zstd.js'
import { decrypt } from '../pipeline/decrypt.js'
import { digest } from '../pipeline/digest.js'

interface Unpacking {
  readonly stages: readonly Duplex[]
  /** After the end. @throws ARTIFACT_DAMAGED unless the content is what the object's key says */
  check(): void
}

/** Of PostgreSQL's file: that of a segment is known. */
export type PlainSize = { readonly exactlyBytes: number } | { readonly atMostBytes: number }

/** The stages through which a WAL object becomes PostgreSQL's file again. */
export function unpackWal(system: SystemName, object: WalObject, keys: KeyRing, size: PlainSize): Unpacking {
  const limitBytes = 'exactlyBytes' in size ? size.exactlyBytes : size.atMostBytes
  const context = walEncryptionContext(system, walName(object))
  const digested = digest()
  return {
    stages: [...(object.encrypted ? [decrypt({ keys, context })] : []), decompressZstd(), atMost(limitBytes), digested],
    check() {
      const { sha256, sizeBytes } = digested.result()
      const isWhole = 'atMostBytes' in size || sizeBytes === size.exactlyBytes
      if (isWhole && walHashOf(sha256) === object.hash) return
      throw new HoldfastError('ARTIFACT_DAMAGED', `its content is not what ${object.key} says`)
    },
  }
}
