import type { Catalog } from '../catalog/catalog.js'
import { segmentSizesOf } from '../domain/cluster-paths.js'
import type { SystemName } from '../domain/ids.js'
import type { Manifest } from '../domain/manifest.js'
import { createMarkTable, type MarkTable } from '../domain/mark-table.js'
import { createWalInventory, type WalInventory } from '../domain/wal-inventory.js'
import type { CallOptions } from '../storage/store.js'
import { noteProblem } from './note-problem.js'

/** A system in a repository. */
export interface ArchivePlace {
  readonly catalog: Catalog
  readonly system: SystemName
}

/** What keys say of the archive of the clusters there are backups of. */
export interface ListedArchive {
  readonly wal: WalInventory
  /** Those that speak of no more than was listed. */
  readonly stated: MarkTable
}

/** Lists WAL and marks at the same time: after a year each are hundreds of pages. */
export async function listArchive(
  place: ArchivePlace,
  { manifests, now }: { readonly manifests: readonly Manifest[]; readonly now: Date },
  problems: string[],
  options: CallOptions,
): Promise<ListedArchive> {
  const seenUntil = await newestMarkAt(place, now, options)
  const [wal, stated] = await together(options, (both) => [
    listWal(place, manifests, problems, both),
    listMarks(place, manifests, seenUntil, both),
  ])
  return { wal, stated }
}

/**
 * The newest mark before the archive is listed: a later one speaks of WAL that may be missing in the listing, and would look like a gap.
 * Where there is none of late, any that comes now is one too many.
 */
async function newestMarkAt({ catalog, system }: ArchivePlace, now: Date, options: CallOptions): Promise<string> {
  const from = new Date(now.getTime() - hourMs)
  let newest = from.toISOString()
  for await (const { at } of catalog.marks.list(system, { ...options, from })) newest = at
  return newest
}

const hourMs = 3_600_000

/** The one that fails ends the other, too. */
async function together<A, B>(
  options: CallOptions,
  start: (options: CallOptions) => readonly [Promise<A>, Promise<B>],
): Promise<readonly [A, B]> {
  const failing = new AbortController()
  const signal = options.signal === undefined ? failing.signal : AbortSignal.any([options.signal, failing.signal])
  try {
    return await Promise.all(start({ ...options, signal }))
  } finally {
    failing.abort()
  }
}

async function listWal(
  { catalog, system }: ArchivePlace,
  manifests: readonly Manifest[],
  problems: string[],
  options: CallOptions,
): Promise<WalInventory> {
  const wal = createWalInventory(segmentSizesOf(manifests))
  const onStranger = (key: string, why: string) => noteProblem(problems, `${key} ${why}`)
  for await (const object of catalog.wal.list(system, { ...options, onStranger })) wal.add(object)
  return wal
}

/** Which of them are wanted is known when the archive is. */
async function listMarks(
  { catalog, system }: ArchivePlace,
  manifests: readonly Manifest[],
  seenUntil: string,
  options: CallOptions,
): Promise<MarkTable> {
  const clusters = segmentSizesOf(manifests)
  const marks = createMarkTable()
  for await (const mark of catalog.marks.list(system, options)) {
    if (mark.at <= seenUntil && clusters.has(mark.systemIdentifier)) marks.add(mark)
  }
  return marks
}
