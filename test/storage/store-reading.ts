import { buffer } from 'node:stream/consumers'
import { HoldfastError } from '../../src/domain/errors.js'
import type { ObjectKey } from '../../src/domain/ids.js'
import type { ByteRange, Store } from '../../src/storage/store.js'

export async function readAll(store: Store, key: string, options: { range?: ByteRange } = {}): Promise<Buffer> {
  return buffer(await store.get(key as ObjectKey, options))
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}

export async function keysOf(store: Store, prefix: string, after?: string): Promise<string[]> {
  const infos = await collect(store.list(prefix, after === undefined ? {} : { after }))
  return infos.map(({ key }) => key)
}

/** Order by UTF-8 bytes, said in another way than the stores do. */
export function byBytes(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => Buffer.from(text).toString('hex'))
  return left === right ? 0 : (left ?? '') < (right ?? '') ? -1 : 1
}

/** Small objects under many keys, 16 at a time. */
export async function writeKeys(store: Store, keys: readonly string[]): Promise<void> {
  const waiting = [...keys]
  const writer = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      await store.put(next as ObjectKey, Buffer.from('x'), { ifAbsent: true })
    }
  }
  await Promise.all(Array.from({ length: 16 }, writer))
}

/** The error code a promise rejects with; `'none'` when it resolves. Anything but a HoldfastError is thrown on. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await errorOf(work)
  return error?.code ?? 'none'
}

export async function errorOf(work: Promise<unknown>): Promise<HoldfastError | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    if (error instanceof HoldfastError) return error
    throw error
  }
}
