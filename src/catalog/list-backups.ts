import { type ErrorCode, HoldfastError } from '../domain/errors.js'
import {
  type BackupId,
  type BackupKind,
  backupIdFor,
  backupKinds,
  describeBackupId,
  namePattern,
  parseSystemName,
  type SystemName,
} from '../domain/ids.js'
import type { Manifest } from '../domain/manifest.js'
import type { CallOptions, Store } from '../storage/store.js'
import { backupPrefix, kindPrefix, parseManifestKey } from './keys.js'
import { type ManifestPlace, readManifest } from './manifests.js'
import { mapAhead } from './map-ahead.js'

export interface ListFilter {
  readonly system?: SystemName
  readonly kind?: BackupKind
  /** Only backups due later than this moment; older days are not even listed. */
  readonly after?: Date
}

export type CatalogEntry =
  | { readonly id: BackupId; readonly manifest: Manifest }
  /** The backup is there, but its manifest cannot be read: MANIFEST_DAMAGED, FORMAT_UNKNOWN or KEY_MISSING. */
  | { readonly id: BackupId; readonly problem: HoldfastError }

/** All committed backups, ordered by system, kind and time. A store that fails ends the listing with its error. */
export async function* listBackups(
  place: ManifestPlace,
  filter: ListFilter = {},
  options?: CallOptions,
): AsyncGenerator<CatalogEntry> {
  const ids = committedIds(place.store, filter, options)
  for await (const entry of mapAhead(ids, readsAhead, (id) => entryOf(place, id, options))) {
    if (entry !== undefined) yield entry
  }
}

/**
 * Names at the top of the store, by hopping from one to the next: a listing call a system, however many objects each has.
 * Below a name everything sorts before `<name>0`, for `0` follows `/`.
 */
export async function listSystems(store: Store, options?: CallOptions): Promise<SystemName[]> {
  const systems: SystemName[] = []
  let after = ''
  while (true) {
    const key = await firstKey(store, after, options)
    if (key === undefined) return systems
    const [name = '', rest] = splitOnce(key)
    if (rest !== undefined && namePattern.test(name)) systems.push(parseSystemName(name))
    after = rest === undefined ? key : `${name}0`
  }
}

// Reading a manifest is one short request; a year of daily backups should not take a year's worth of round trips.
const readsAhead = 8

const unreadable: readonly ErrorCode[] = ['MANIFEST_DAMAGED', 'FORMAT_UNKNOWN', 'KEY_MISSING']

async function* committedIds(store: Store, filter: ListFilter, options?: CallOptions): AsyncGenerator<BackupId> {
  const { after } = filter
  for (const system of filter.system === undefined ? await listSystems(store, options) : [filter.system]) {
    for (const kind of filter.kind === undefined ? backupKinds : [filter.kind]) {
      const start = after === undefined ? {} : { after: backupPrefix(backupIdFor(system, kind, after)) }
      for await (const { key } of store.list(kindPrefix(system, kind), { ...options, ...start })) {
        const id = parseManifestKey(key)
        if (id !== undefined && (after === undefined || isDueAfter(id, after))) yield id
      }
    }
  }
}

function isDueAfter(id: BackupId, moment: Date): boolean {
  return Date.parse(describeBackupId(id).time) > moment.getTime()
}

async function entryOf(place: ManifestPlace, id: BackupId, options?: CallOptions): Promise<CatalogEntry | undefined> {
  try {
    return { id, manifest: await readManifest(place, id, options) }
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error
    if (error.code === 'NOT_FOUND') return undefined // removed since it was listed
    if (unreadable.includes(error.code)) return { id, problem: error }
    throw error
  }
}

async function firstKey(store: Store, after: string, options?: CallOptions): Promise<string | undefined> {
  for await (const { key } of store.list('', { ...options, ...(after === '' ? {} : { after }) })) return key
  return undefined
}

function splitOnce(key: string): readonly [string, string | undefined] {
  const slash = key.indexOf('/')
  return slash === -1 ? [key, undefined] : [key.slice(0, slash), key.slice(slash + 1)]
}
