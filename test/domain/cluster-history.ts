import fc from 'fast-check'
import { backupIdFor, parseObjectKey, parseSystemName } from '../../src/domain/ids.js'
import { formatLsn } from '../../src/domain/lsn.js'
import type { Manifest } from '../../src/domain/manifest.js'
import type { Mark } from '../../src/domain/mark.js'
import type { FoundHistory, WindowEvidence } from '../../src/domain/recovery-window.js'
import { historyFileName, parseWalHash, segmentName, type WalIdentity, type WalObject } from '../../src/domain/wal.js'
import { createWalInventory } from '../../src/domain/wal-inventory.js'
import { sampleManifest } from '../catalog/sample-manifest.js'

/** What happened to a cluster, and what of it lies in a repository. Positions are in tenths of a segment. */
export interface ClusterHistory {
  readonly segmentSizeBytes: number
  readonly timelines: readonly TimelineStory[]
  readonly bases: readonly BaseStory[]
  readonly marks: readonly MarkStory[]
  readonly files: readonly FileStory[]
}

export interface TimelineStory {
  readonly id: number
  readonly parent: number | undefined
  /** Where it left its parent, and where it is now. */
  readonly begin: number
  readonly end: number
  /** Seconds at `begin`; each tenth of a segment takes one. */
  readonly startedAt: number
}

export interface BaseStory {
  readonly timeline: number
  readonly start: number
  readonly stop: number
  /** How long it took to end after its last WAL. */
  readonly delay: number
}

export interface MarkStory {
  readonly timeline: number
  readonly position: number
}

export interface FileStory {
  readonly kind: 'segment' | 'partial' | 'history'
  readonly timeline: number
  readonly number: number
  /** Of a partial. */
  readonly end: number
  /** Files of one name with different contents are a conflict. */
  readonly content: string
}

export const ours = '7593412345678901234'
export const system = parseSystemName('avi5')

/** Tenths in a segment. */
export const tenths = 10

export function secondsAt({ startedAt, begin }: TimelineStory, position: number): number {
  return startedAt + (position - begin)
}

/** Histories of up to four timelines, with everything archived that was written. */
export const wholeHistories: fc.Arbitrary<ClusterHistory> = fc
  .record({
    segmentSizeBytes: fc.constantFrom(1, 2, 16, 64, 1024).map((megabytes) => megabytes * 2 ** 20),
    firstEnd: fc.integer({ min: 5, max: 90 }),
    forks: fc.array(
      fc.record({
        parent: fc.nat(3),
        at: fc.nat(100),
        onBoundary: fc.boolean(),
        length: fc.integer({ min: 0, max: 60 }),
        pause: fc.nat(20),
      }),
      { maxLength: 3 },
    ),
    bases: fc.array(
      fc.record({ timeline: fc.nat(3), start: fc.nat(100), length: fc.integer({ min: 1, max: 15 }), delay: fc.nat(5) }),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
    marks: fc.array(fc.record({ timeline: fc.nat(3), position: fc.nat(100) }), { maxLength: 8 }),
  })
  .map(({ segmentSizeBytes, firstEnd, forks, bases, marks }) => {
    const timelines: TimelineStory[] = [{ id: 1, parent: undefined, begin: 0, end: firstEnd, startedAt: 0 }]
    for (const fork of forks) {
      const parent = pick(timelines, fork.parent)
      const anywhere = parent.begin + (fork.at % (parent.end - parent.begin + 1))
      const boundary = Math.ceil(anywhere / tenths) * tenths
      const begin = fork.onBoundary && boundary <= parent.end ? boundary : anywhere
      const startedAt = secondsAt(parent, begin) + 1 + fork.pause
      timelines.push({ id: timelines.length + 1, parent: parent.id, begin, end: begin + fork.length, startedAt })
    }
    return {
      segmentSizeBytes,
      timelines,
      bases: bases.map(({ timeline, start, length, delay }) => {
        const on = pick(timelines, timeline)
        const from = on.begin + (start % (on.end - on.begin + 1))
        return { timeline: on.id, start: from, stop: Math.min(on.end, from + length), delay }
      }),
      marks: marks.map(({ timeline, position }) => {
        const on = pick(timelines, timeline)
        return { timeline: on.id, position: on.begin + (position % (on.end - on.begin + 1)) }
      }),
      files: timelines.flatMap(filesOf),
    }
  })

/** All a timeline leaves in the archive: its history, its segments from the one it began in, the head of the last as a partial. */
function filesOf({ id, begin, end }: TimelineStory): FileStory[] {
  const first = Math.floor(begin / tenths)
  const last = Math.floor(end / tenths)
  const segments = Array.from({ length: last - first }, (_, index) => first + index)
  return [
    ...(id === 1 ? [] : [{ kind: 'history' as const, timeline: id, number: 0, end: 0, content: 'a' }]),
    ...segments.map((number) => ({ kind: 'segment' as const, timeline: id, number, end: 0, content: 'a' })),
    ...(end % tenths === 0 ? [] : [{ kind: 'partial' as const, timeline: id, number: last, end, content: 'a' }]),
  ]
}

/** Of a history some files of which may be gone, or there twice with different contents, or of another end. */
export const damagedHistories: fc.Arbitrary<ClusterHistory> = fc
  .tuple(wholeHistories, fc.array(fc.record({ at: fc.nat(50), act: fc.constantFrom('remove', 'twin', 'cut') }), { maxLength: 4 }))
  .map(([history, damages]) => ({
    ...history,
    files: damages.reduce((files, { at, act }) => damage(files, at % Math.max(files.length, 1), act), history.files),
  }))

function damage(files: readonly FileStory[], index: number, act: string): readonly FileStory[] {
  const file = files[index]
  if (file === undefined) return files
  const others = files.filter((_, other) => other !== index)
  if (act === 'twin') return [...files, { ...file, content: 'b' }]
  if (act === 'cut' && file.kind === 'segment') return [...others, { ...file, kind: 'partial', end: file.number * tenths + 4 }]
  return others
}

export function manifestsOf({ bases, timelines, segmentSizeBytes }: ClusterHistory): Manifest[] {
  return bases.map((base, index) => {
    const on = pick(timelines, base.timeline - 1)
    // Ids are told apart by their second, and their times are not what counts.
    const dueAt = new Date(Date.UTC(2026, 0, 1, 0, 0, index)).toISOString()
    const sample = sampleManifest({ dueAt })
    if ('dumps' in sample.facts) throw new TypeError('the sample is no full backup')
    return {
      ...sample,
      backup: backupIdFor(system, 'full', new Date(dueAt)),
      startedAt: momentAt(secondsAt(on, base.start)),
      stoppedAt: momentAt(baseEnd(on, base)),
      facts: {
        ...sample.facts,
        systemIdentifier: ours,
        timeline: base.timeline,
        startLsn: lsnAt(base.start, segmentSizeBytes),
        stopLsn: lsnAt(base.stop, segmentSizeBytes),
        segmentSizeBytes,
      },
    }
  })
}

export function baseEnd(on: TimelineStory, base: BaseStory): number {
  return secondsAt(on, base.stop) + base.delay
}

export function marksOf({ marks, timelines, segmentSizeBytes }: ClusterHistory): Mark[] {
  return marks.map(({ timeline, position }) => ({
    formatVersion: 1,
    system,
    systemIdentifier: ours,
    timeline,
    lsn: lsnAt(position, segmentSizeBytes),
    at: momentAt(secondsAt(pick(timelines, timeline - 1), position)),
  }))
}

export function evidenceOf(history: ClusterHistory, now = new Date('2027-01-01T00:00:00Z')): WindowEvidence {
  const wal = createWalInventory(new Map([[ours, history.segmentSizeBytes]]))
  for (const file of history.files) wal.add(objectOf(file, history.segmentSizeBytes))
  return { manifests: manifestsOf(history), wal, histories: historiesOf(history), marks: marksOf(history), now }
}

export function historiesOf({ files, timelines, segmentSizeBytes }: ClusterHistory): FoundHistory[] {
  return files
    .filter(({ kind }) => kind === 'history')
    .map(({ timeline }) => ({
      systemIdentifier: ours,
      timeline,
      history: {
        timeline,
        ancestors: lineageTo(timelines, timeline).map(({ parent, begin }) => ({
          timeline: parent ?? 0,
          endLsn: lsnAt(begin, segmentSizeBytes),
          reason: 'no recovery target specified',
        })),
      },
    }))
}

/** A timeline and those it came from, without the first of all, the oldest first. */
export function lineageTo(timelines: readonly TimelineStory[], timeline: number): TimelineStory[] {
  const story = pick(timelines, timeline - 1)
  return story.parent === undefined ? [] : [...lineageTo(timelines, story.parent), story]
}

export function objectOf(file: FileStory, segmentSizeBytes: number, systemIdentifier = ours): WalObject {
  const hash = parseWalHash(file.content.repeat(16))
  const name = segmentName({ timeline: file.timeline, number: BigInt(file.number) }, segmentSizeBytes)
  const identity: WalIdentity =
    file.kind === 'history'
      ? { kind: 'history', file: historyFileName(file.timeline), systemIdentifier, hash }
      : file.kind === 'segment'
        ? { kind: 'segment', file: name, systemIdentifier, hash }
        : { kind: 'partial', file: name, systemIdentifier, hash, endLsn: lsnAt(file.end, segmentSizeBytes) }
  return { ...identity, encrypted: false, key: parseObjectKey('k'), sizeBytes: 1, storedAt: new Date(0) }
}

export function lsnAt(position: number, segmentSizeBytes: number) {
  // A tenth of a power of two is no whole number: whole segments and bytes beside them.
  const within = BigInt(position % tenths) * BigInt(Math.floor(segmentSizeBytes / tenths))
  return formatLsn(BigInt(Math.floor(position / tenths)) * BigInt(segmentSizeBytes) + within)
}

export function momentAt(seconds: number): string {
  return new Date(Date.UTC(2026, 0, 10) + seconds * 1000).toISOString()
}

export function pick<T>(items: readonly T[], index: number): T {
  const item = items[index % items.length]
  if (item === undefined) throw new TypeError('there is nothing to pick from')
  return item
}
