import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { type ObjectKey, parseObjectKey } from '../../src/domain/ids.js'
import { createFilesystemStore } from '../../src/storage/filesystem-store.js'
import type { Store } from '../../src/storage/store.js'
import { bucketStore } from '../stand/bucket-store.js'
import type { Stand } from '../stand/stand.js'

export type ArtifactDamage = 'truncated' | 'altered' | 'swapped' | 'deleted'
export const artifactDamages: readonly ArtifactDamage[] = ['truncated', 'altered', 'swapped', 'deleted']

/** What is stored under both repositories of a stand, to be damaged behind the product's back. */
export interface Stores {
  readonly local: Store
  readonly primary: Store
}

export async function storesOf(stand: Stand): Promise<Stores> {
  return { local: createFilesystemStore({ root: join(stand.directory, 'local') }), primary: await bucketStore(stand) }
}

/** Runs `work` while an object is something else; then it is as it was. @param change `undefined`: the object is gone */
export async function whileChanged<T>(
  store: Store,
  key: ObjectKey,
  change: (original: Buffer) => Promise<Buffer | undefined> | Buffer | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const original = await contentOf(store, key)
  const changed = await change(original)
  if (changed?.equals(original) === true) throw new Error(`${key} would not be changed`)
  await replace(store, key, changed)
  try {
    return await work()
  } finally {
    await replace(store, key, original)
  }
}

/** @param twin the same artifact of another backup */
export function damaged(damage: ArtifactDamage, store: Store, twin: ObjectKey) {
  return async (original: Buffer): Promise<Buffer | undefined> => {
    switch (damage) {
      case 'truncated':
        return original.subarray(0, -1)
      case 'altered': {
        const altered = Buffer.from(original)
        const middle = Math.floor(original.length / 2)
        altered[middle] = (altered[middle] ?? 0) ^ 1
        return altered
      }
      case 'swapped':
        return contentOf(store, twin)
      case 'deleted':
        return undefined
    }
  }
}

async function contentOf(store: Store, key: ObjectKey): Promise<Buffer> {
  return buffer(await store.get(parseObjectKey(key)))
}

async function replace(store: Store, key: ObjectKey, bytes: Buffer | undefined): Promise<void> {
  await store.delete([key])
  if (bytes !== undefined) await store.put(key, bytes, { ifAbsent: true })
}
