import type { ObjectKey } from '../domain/ids.js'
import type { CallOptions, Store } from '../storage/store.js'

/**
 * A small object whole. Reads no further than one byte past the limit, so that a huge object under a small one's name costs nothing;
 * the caller sees by the length that there is more.
 * @throws NOT_FOUND
 */
export async function readSmall(
  store: Store,
  key: ObjectKey,
  limitBytes: number,
  options: CallOptions = {},
): Promise<Uint8Array> {
  const stream = await store.get(key, options)
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of stream) {
    chunks.push(Buffer.from(chunk as Uint8Array))
    sizeBytes += chunk.length
    if (sizeBytes > limitBytes) break // leaving the loop destroys the stream
  }
  return Buffer.concat(chunks).subarray(0, limitBytes + 1)
}
