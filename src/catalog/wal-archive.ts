import type { SystemName } from '../domain/ids.js'
import type { WalObject } from '../domain/wal.js'
import type { CallOptions } from '../storage/store.js'
import type { ManifestPlace } from './manifests.js'
import { parseWalKey, walDayPrefix, walPrefix } from './wal-keys.js'

/** The archived WAL of one repository. */
export interface WalArchive {
  /**
   * All objects by day, then by name; one page of the store's listing is in memory at a time. Objects whose keys are no WAL object's
   * are passed over and handed to `onStranger`, with why; so are those that are not encrypted, where unsigned manifests are refused:
   * nothing says who wrote them.
   */
  list(system: SystemName, options?: WalListOptions): AsyncIterable<WalObject>
}

export interface WalListOptions extends CallOptions {
  /** Objects of this day (UTC) and later, and of the day before it: the day in a key is advisory. */
  readonly from?: Date
  readonly onStranger?: (key: string, why: string) => void
}

/** The same place, keys and policy as for manifests. */
export function createWalArchive(place: ManifestPlace): WalArchive {
  return { list: (system, options) => listWal(place, system, options) }
}

async function* listWal(
  { store, keys, unsigned }: ManifestPlace,
  system: SystemName,
  options: WalListOptions = {},
): AsyncGenerator<WalObject> {
  const { from, onStranger, ...call } = options
  const plain = unsigned ?? (keys.active === undefined ? 'accept' : 'refuse')
  const start = from === undefined ? {} : { after: walDayPrefix(system, new Date(from.getTime() - dayMs)) }
  for await (const { key, sizeBytes, modifiedAt } of store.list(walPrefix(system), { ...call, ...start })) {
    const found = parseWalKey(key)
    if (found === undefined) onStranger?.(key, 'is no object of a WAL archive')
    else if (!found.encrypted && plain === 'refuse') onStranger?.(key, 'is not encrypted, and must be where there is a key')
    else yield { ...found.identity, encrypted: found.encrypted, key, sizeBytes, storedAt: modifiedAt }
  }
}

const dayMs = 86_400_000
