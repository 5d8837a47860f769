import type { Catalog } from '../../catalog/catalog.js'
import type { SystemName } from '../../domain/ids.js'
import type { CallOptions } from '../../storage/store.js'
import { isProven } from './archived-position.js'
import type { Archived, SpoolState, WalSample } from './spool.js'

/** So many at a time, after days without the repository. */
const atOnce = 50

/**
 * States in a repository what it has come to hold: one mark for each sample of the server's clock whose WAL is there.
 * @returns what is known of it now
 */
export async function putMarks(
  catalog: Catalog,
  system: SystemName,
  {
    archived,
    state,
    samples,
  }: { readonly archived: Archived; readonly state: SpoolState; readonly samples: readonly WalSample[] },
  options: CallOptions,
): Promise<Archived> {
  const { markedAt = '' } = archived
  const proven = samples.filter((sample) => sample.at > markedAt && isProven(archived, sample)).slice(0, atOnce)
  const { systemIdentifier } = state
  for (const { at, timeline, lsn } of proven) {
    await catalog.marks.put({ formatVersion: 1, system, systemIdentifier, timeline, lsn, at }, options)
  }
  const newest = proven.at(-1)
  return newest === undefined ? archived : { ...archived, markedAt: newest.at }
}
