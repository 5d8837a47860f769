import { HoldfastError } from '../domain/errors.js'
import type { BackupId } from '../domain/ids.js'
import type { KeyRing } from '../domain/keys.js'
import type { Manifest } from '../domain/manifest.js'
import { manifestLimitBytes } from '../domain/manifest-limits.js'
import type { CallOptions, Store } from '../storage/store.js'
import { manifestKey } from './keys.js'
import { decodeManifest, encodeManifest, type UnsignedPolicy } from './manifest-codec.js'
import { putOnce } from './put-once.js'
import { readSmall } from './read-small.js'

/** Where manifests are, and what is needed to read them. */
export interface ManifestPlace {
  readonly store: Store
  readonly keys: KeyRing
  readonly unsigned?: UnsignedPolicy
}

/** @throws ALREADY_EXISTS when another manifest of this backup is there */
export async function commitManifest(place: ManifestPlace, manifest: Manifest, options?: CallOptions): Promise<void> {
  await putOnce(place.store, manifestKey(manifest.backup), encodeManifest(manifest, place.keys), options)
}

/** @throws NOT_FOUND, MANIFEST_DAMAGED, FORMAT_UNKNOWN, KEY_MISSING */
export async function readManifest(place: ManifestPlace, id: BackupId, options?: CallOptions): Promise<Manifest> {
  const { store, keys, unsigned } = place
  const bytes = await readOrMissing(store, id, options)
  return decodeManifest(bytes, keys, { expected: id, ...(unsigned === undefined ? {} : { unsigned }) })
}

async function readOrMissing(store: Store, id: BackupId, options?: CallOptions): Promise<Uint8Array> {
  try {
    return await readSmall(store, manifestKey(id), manifestLimitBytes, options)
  } catch (cause) {
    if (!(cause instanceof HoldfastError && cause.code === 'NOT_FOUND')) throw cause
    throw new HoldfastError('NOT_FOUND', `there is no backup ${id} in ${store.description}`, { cause })
  }
}
