import { type BackupId, parseBackupId, type SystemName } from '../domain/ids.js'
import type { KeyRing } from '../domain/keys.js'
import type { Manifest } from '../domain/manifest.js'
import type { CallOptions, ObjectInfo, Store } from '../storage/store.js'
import { attemptObjects, type RemovedAttempt, removeAttempt } from './attempts.js'
import { type ArtifactProblem, type CheckOptions, checkArtifacts } from './check-artifacts.js'
import { tombstoneKey, tombstonesPrefix } from './keys.js'
import { type CatalogEntry, type ListFilter, listBackups, listSystems } from './list-backups.js'
import type { UnsignedPolicy } from './manifest-codec.js'
import { commitManifest, readManifest } from './manifests.js'
import { createMarks, type Marks } from './marks.js'
import { createWalArchive, type WalArchive } from './wal-archive.js'

/** What one repository holds, read from its store alone. Every call may throw the store's errors as well. */
export interface Catalog {
  /** The point at which a backup begins to exist here. Again with the same manifest is success. @throws ALREADY_EXISTS, NOT_SUPPORTED */
  commit(manifest: Manifest, options?: CallOptions): Promise<void>
  /** @throws NOT_FOUND, MANIFEST_DAMAGED, FORMAT_UNKNOWN, KEY_MISSING */
  read(id: BackupId, options?: CallOptions): Promise<Manifest>
  /** Ordered by system, kind and time. A manifest that cannot be read is an entry with its problem and does not hide the others. */
  list(filter?: ListFilter, options?: CallOptions): AsyncIterable<CatalogEntry>
  /** Of which anything is stored here, in the order of their keys. */
  systems(options?: CallOptions): Promise<SystemName[]>
  /** Whether the backup is about to be removed. */
  isTombstoned(id: BackupId, options?: CallOptions): Promise<boolean>
  /** All of a system that are about to be removed, in one listing. */
  tombstoned(system: SystemName, options?: CallOptions): Promise<BackupId[]>
  attemptObjects(id: BackupId, attempt: string, options?: CallOptions): AsyncIterable<ObjectInfo>
  /**
   * Removes all that an attempt left: uploads under way, growing files, objects; then looks again. Nothing there is success.
   * The caller holds the system's capture lease, so that nobody commits the attempt meanwhile.
   * @throws ALREADY_EXISTS when the attempt is committed; STORE_UNAVAILABLE when something is still there afterwards
   */
  removeAttempt(id: BackupId, attempt: string, options?: CallOptions): Promise<RemovedAttempt>
  /** Compares what is stored with the manifest. @returns nothing when the copy is whole */
  checkArtifacts(manifest: Manifest, options?: CheckOptions): Promise<ArtifactProblem[]>
  /** The archived WAL. */
  readonly wal: WalArchive
  /** What the archiver stated about the archived WAL. */
  readonly marks: Marks
}

interface CatalogOptions {
  readonly store: Store
  readonly keys: KeyRing
  /** @see UnsignedPolicy; by default it follows from the keys. */
  readonly unsigned?: UnsignedPolicy
}

/** The catalogue of one repository. It keeps no state: what it says is what the store holds. */
export function createCatalog(place: CatalogOptions): Catalog {
  const { store } = place
  return {
    commit: (manifest, options) => commitManifest(place, manifest, options),
    read: (id, options) => readManifest(place, id, options),
    list: (filter, options) => listBackups(place, filter, options),
    systems: (options) => listSystems(store, options),
    isTombstoned: async (id, options) => (await store.head(tombstoneKey(id), options)) !== undefined,
    tombstoned: (system, options) => listTombstoned(store, system, options),
    attemptObjects: (id, attempt, options) => attemptObjects(store, id, attempt, options),
    removeAttempt: (id, attempt, options) => removeAttempt(place, id, attempt, options),
    checkArtifacts: (manifest, options) => checkArtifacts(store, manifest, options),
    wal: createWalArchive(place),
    marks: createMarks(place),
  }
}

async function listTombstoned(store: Store, system: SystemName, options?: CallOptions): Promise<BackupId[]> {
  const ids: BackupId[] = []
  for await (const { key } of store.list(tombstonesPrefix(system), options)) {
    ids.push(parseBackupId(key.slice(tombstonesPrefix(system).length).replace(/\.json$/, '')))
  }
  return ids
}
