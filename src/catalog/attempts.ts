import { HoldfastError } from '../domain/errors.js'
import type { BackupId, ObjectKey } from '../domain/ids.js'
import type { CallOptions, ObjectInfo, Store } from '../storage/store.js'
import { attemptPrefix } from './keys.js'
import { type ManifestPlace, readManifest } from './manifests.js'

export interface RemovedAttempt {
  readonly objects: number
  readonly uploads: number
}

/** The objects of one attempt, ordered by key. */
export function attemptObjects(store: Store, id: BackupId, attempt: string, options?: CallOptions): AsyncIterable<ObjectInfo> {
  return store.list(`${attemptPrefix(id, attempt)}/`, options)
}

/** @throws ALREADY_EXISTS when committed, STORE_UNAVAILABLE when something is left; see `Catalog.removeAttempt` */
export async function removeAttempt(
  place: ManifestPlace,
  id: BackupId,
  attempt: string,
  options?: CallOptions,
): Promise<RemovedAttempt> {
  const { store } = place
  await refuseCommitted(place, id, attempt, options)
  // Uploads first: one that is completed a moment later would otherwise appear behind the deletion.
  const uploads = await abortUploads(store, id, attempt, options)
  await store.growing?.discard(attemptPrefix(id, attempt))
  const objects = await deleteObjects(store, id, attempt, options)
  await refuseLeftovers(store, id, attempt, options)
  return { objects, uploads }
}

// Of S3's DeleteObjects; also the bound of what is held in memory here.
const batchSize = 1000

/** The last moment a Date can hold: uploads begun before it are all uploads. */
const endOfTime = new Date(8.64e15)

async function refuseCommitted(place: ManifestPlace, id: BackupId, attempt: string, options?: CallOptions): Promise<void> {
  const manifest = await readManifest(place, id, options).catch((error: unknown) => {
    if (error instanceof HoldfastError && error.code === 'NOT_FOUND') return undefined
    throw error // a manifest nobody can read may name any attempt
  })
  if (manifest?.attempt !== attempt) return
  throw new HoldfastError(
    'ALREADY_EXISTS',
    `attempt ${attempt} of ${id} is committed in ${place.store.description}; it was not removed`,
    {
      hint: 'a committed backup goes by retention, never by cleaning up',
    },
  )
}

/** Ends all uploads under way below an attempt. @returns how many there were */
export async function abortUploads(store: Store, id: BackupId, attempt: string, options?: CallOptions): Promise<number> {
  let count = 0
  const { uploads } = store
  if (uploads === undefined) return count
  for await (const upload of uploads.listStale(`${attemptPrefix(id, attempt)}/`, endOfTime, options)) {
    await uploads.abort(upload, options)
    count += 1
  }
  return count
}

async function deleteObjects(store: Store, id: BackupId, attempt: string, options?: CallOptions): Promise<number> {
  let count = 0
  let batch: ObjectKey[] = []
  for await (const { key } of attemptObjects(store, id, attempt, options)) {
    batch.push(key)
    if (batch.length < batchSize) continue
    count += await deleteBatch(store, batch, options)
    batch = []
  }
  return count + (await deleteBatch(store, batch, options))
}

async function deleteBatch(store: Store, keys: readonly ObjectKey[], options?: CallOptions): Promise<number> {
  if (keys.length === 0) return 0
  for (const result of await store.delete(keys, options)) {
    if (result.outcome === 'failed') throw stillThere(store, result.key, result.message)
  }
  return keys.length
}

// A store's word that something is deleted is not enough: some answer so and keep it.
async function refuseLeftovers(store: Store, id: BackupId, attempt: string, options?: CallOptions): Promise<void> {
  for await (const { key } of attemptObjects(store, id, attempt, options))
    throw stillThere(store, key, 'it is listed after its deletion')
}

function stillThere(store: Store, key: ObjectKey, why: string): HoldfastError {
  return new HoldfastError('STORE_UNAVAILABLE', `${key} could not be removed from ${store.description}: ${why}`)
}
