import type { Catalog } from '../catalog/catalog.js'
import { segmentSizesOf } from '../domain/cluster-paths.js'
import { type ErrorCode, HoldfastError } from '../domain/errors.js'
import type { BackupId, SystemName } from '../domain/ids.js'
import type { KeyRing } from '../domain/keys.js'
import type { Manifest } from '../domain/manifest.js'
import type { Mark, MarkFacts } from '../domain/mark.js'
import { createMarkSieve } from '../domain/mark-sieve.js'
import { type FoundHistory, type RecoveryWindow, recoveryWindow } from '../domain/recovery-window.js'
import { parseTimelineHistory } from '../domain/timeline-history.js'
import { historyFileTimeline, type WalObject } from '../domain/wal.js'
import { createWalInventory, type WalInventory } from '../domain/wal-inventory.js'
import type { CallOptions, Store } from '../storage/store.js'
import { readSmallWalFile } from './read-wal-file.js'

interface WindowPlace {
  readonly catalog: Catalog
  readonly store: Store
  readonly keys: KeyRing
  readonly system: SystemName
}

/** A repository's recovery window, with what it was computed from and what was left aside. */
export interface WindowReading {
  readonly window: RecoveryWindow
  /** Full backups that can be read and are not about to be removed. */
  readonly manifests: readonly Manifest[]
  /** What is there and does not count, with the reason. */
  readonly problems: readonly string[]
}

/**
 * Reads what a repository proves. One listing of the archive, folded as it comes (8 bytes a segment), one of the marks of which a handful
 * is read, and the history files.
 * @throws the store's errors; what is damaged is a problem and does not count
 */
export async function readWindow(place: WindowPlace, now: Date, options: CallOptions = {}): Promise<WindowReading> {
  const problems: string[] = []
  const manifests = await readFulls(place, problems, options)
  const wal = createWalInventory(segmentSizesOf(manifests))
  const onStranger = (key: string, why: string) => note(problems, `${key} ${why}`)
  const seenUntil = await newestMarkAt(place, now, options)
  for await (const object of place.catalog.wal.list(place.system, { ...options, onStranger })) wal.add(object)
  const histories = await readHistories(place, manifests, wal, problems, options)
  const marks = await readMarks(place, { manifests, wal, histories, now }, seenUntil, problems, options)
  return {
    window: recoveryWindow({ manifests, wal, histories, marks, now }),
    manifests,
    problems,
  }
}

/**
 * The newest mark before the archive is listed: a later one speaks of WAL that may be missing in the listing, and would look like a gap.
 * Where there is none of late, any that comes now is one too many.
 */
async function newestMarkAt({ catalog, system }: WindowPlace, now: Date, options: CallOptions): Promise<string> {
  const from = new Date(now.getTime() - hourMs)
  let newest = from.toISOString()
  for await (const { at } of catalog.marks.list(system, { ...options, from })) newest = at
  return newest
}

const hourMs = 3_600_000

/** Each once, and no more than anybody reads: there may be as many as objects. */
function note(problems: string[], problem: string): void {
  if (problems.length < 100 && !problems.includes(problem)) problems.push(problem)
}

async function readFulls({ catalog, system }: WindowPlace, problems: string[], options: CallOptions): Promise<Manifest[]> {
  const doomed: readonly BackupId[] = await catalog.tombstoned(system, options)
  const manifests: Manifest[] = []
  for await (const entry of catalog.list({ system, kind: 'full' }, options)) {
    if ('problem' in entry) note(problems, entry.problem.message)
    else if (!doomed.includes(entry.id)) manifests.push(entry.manifest)
  }
  return manifests
}

async function readHistories(
  place: WindowPlace,
  manifests: readonly Manifest[],
  wal: WalInventory,
  problems: string[],
  options: CallOptions,
): Promise<FoundHistory[]> {
  const clusters = [...segmentSizesOf(manifests).keys()].flatMap((identifier) => wal.cluster(identifier) ?? [])
  const objects = clusters.flatMap(({ histories }) => histories)
  // The same file may lie under two days.
  const contents = new Map(objects.map((object) => [`${object.systemIdentifier} ${object.file} ${object.hash}`, object]))
  const found: FoundHistory[] = []
  for (const object of contents.values()) found.push(await readHistory(place, object, problems, options))
  return found
}

async function readHistory(
  place: WindowPlace,
  object: WalObject,
  problems: string[],
  options: CallOptions,
): Promise<FoundHistory> {
  const timeline = historyFileTimeline(object.file) ?? 0
  const found = { systemIdentifier: object.systemIdentifier, timeline }
  const bytes = await orProblem(() => readSmallWalFile(place, object, options), problems)
  const history = bytes && (await orProblem(async () => parseTimelineHistory(bytes.toString('utf8'), timeline), problems))
  return history === undefined ? found : { ...found, history }
}

type WindowFacts = Parameters<typeof createMarkSieve>[0]

async function readMarks(
  place: WindowPlace,
  facts: WindowFacts,
  seenUntil: string,
  problems: string[],
  options: CallOptions,
): Promise<Mark[]> {
  const { catalog, system } = place
  const sieve = createMarkSieve(facts)
  for await (const mark of catalog.marks.list(system, options)) if (mark.at <= seenUntil) sieve.add(mark)
  const marks: Mark[] = []
  for (const candidates of sieve.wanted()) {
    const mark = await firstGood(catalog, system, candidates, problems, options)
    if (mark !== undefined) marks.push(mark)
  }
  return marks
}

async function firstGood(
  catalog: Catalog,
  system: SystemName,
  candidates: readonly MarkFacts[],
  problems: string[],
  options: CallOptions,
): Promise<Mark | undefined> {
  for (const candidate of candidates) {
    const mark = await orProblem(() => catalog.marks.read(system, candidate, options), problems)
    if (mark !== undefined) return mark
  }
  return undefined
}

/** What is damaged or went away since it was listed does not count; a store that fails ends the reading. */
async function orProblem<T>(read: () => Promise<T>, problems: string[]): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof HoldfastError && leftAside.includes(error.code))) throw error
    note(problems, error.message)
    return undefined
  }
}

const leftAside: readonly ErrorCode[] = ['ARTIFACT_DAMAGED', 'FORMAT_UNKNOWN', 'KEY_MISSING', 'NOT_FOUND']
