import { HoldfastError } from '../domain/errors.js'
import type { ObjectKey } from '../domain/ids.js'
import type { CallOptions, Store } from '../storage/store.js'
import { readSmall } from './read-small.js'

/**
 * Puts a small object that never changes. The same bytes under the key already are success: the answer to an earlier try was lost.
 * @throws ALREADY_EXISTS when other bytes are there
 */
export async function putOnce(store: Store, key: ObjectKey, bytes: Uint8Array, options: CallOptions = {}): Promise<void> {
  try {
    await store.put(key, bytes, { ...options, ifAbsent: true })
  } catch (error) {
    if (!(error instanceof HoldfastError && error.code === 'ALREADY_EXISTS')) throw error
    const present = await readSmall(store, key, bytes.length, options)
    if (Buffer.compare(present, bytes) === 0) return
    throw new HoldfastError('ALREADY_EXISTS', `${key} in ${store.description} holds other bytes already`, { cause: error })
  }
}
