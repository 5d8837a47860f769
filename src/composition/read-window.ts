import { setImmediate } from 'node:timers/promises'
import type { Catalog } from '../catalog/catalog.js'
import { segmentSizesOf } from '../domain/cluster-paths.js'
import { type ErrorCode, HoldfastError } from '../domain/errors.js'
import type { BackupId, SystemName } from '../domain/ids.js'
import type { KeyRing } from '../domain/keys.js'
import type { Manifest } from '../domain/manifest.js'
import type { Mark, MarkFacts } from '../domain/mark.js'
import { createMarkSieve } from '../domain/mark-sieve.js'
import type { MarkTable } from '../domain/mark-table.js'
import { type FoundHistory, type RecoveryWindow, recoveryWindow } from '../domain/recovery-window.js'
import { parseTimelineHistory } from '../domain/timeline-history.js'
import { historyFileTimeline, type WalObject } from '../domain/wal.js'
import type { WalInventory } from '../domain/wal-inventory.js'
import type { CallOptions, Store } from '../storage/store.js'
import { type ArchivePlace, listArchive } from './list-archive.js'
import { noteProblem } from './note-problem.js'
import { readSmallWalFile } from './read-wal-file.js'

interface WindowPlace extends ArchivePlace {
  readonly store: Store
  readonly keys: KeyRing
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
 * Reads what a repository proves. One listing of the archive, folded as it comes (8 bytes a segment), at the same time one of the marks
 * (22 bytes each) of which a handful is read, and the history files.
 * @throws the store's errors; what is damaged is a problem and does not count
 */
export async function readWindow(place: WindowPlace, now: Date, options: CallOptions = {}): Promise<WindowReading> {
  const problems: string[] = []
  const manifests = await readFulls(place, problems, options)
  const { wal, stated } = await listArchive(place, { manifests, now }, problems, options)
  const histories = await readHistories(place, manifests, wal, problems, options)
  const marks = await readMarks(place, { manifests, wal, histories, now }, stated, problems, options)
  return {
    window: recoveryWindow({ manifests, wal, histories, marks, now }),
    manifests,
    problems,
  }
}

async function readFulls({ catalog, system }: WindowPlace, problems: string[], options: CallOptions): Promise<Manifest[]> {
  const doomed: readonly BackupId[] = await catalog.tombstoned(system, options)
  const manifests: Manifest[] = []
  for await (const entry of catalog.list({ system, kind: 'full' }, options)) {
    if ('problem' in entry) noteProblem(problems, entry.problem.message)
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
  stated: MarkTable,
  problems: string[],
  options: CallOptions,
): Promise<Mark[]> {
  const { catalog, system } = place
  const sieve = createMarkSieve(facts)
  let looked = 0
  for (const mark of stated.newestFirst()) {
    sieve.add(mark)
    looked += 1
    // Of a year there are half a million: others of this process have their turn meanwhile.
    if (looked % 5000 === 0) await setImmediate(undefined, { signal: options.signal })
  }
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
    noteProblem(problems, error.message)
    return undefined
  }
}

const leftAside: readonly ErrorCode[] = ['ARTIFACT_DAMAGED', 'FORMAT_UNKNOWN', 'KEY_MISSING', 'NOT_FOUND']
