import type { Manifest, PostgresFacts } from './manifest.js'
import type { Mark } from './mark.js'
import { microsOf } from './moment.js'
import type { FoundHistory, WindowEvidence } from './recovery-window.js'
import { firstTimeline, type LineagePiece, lineageOf, type TimelineHistory } from './timeline-history.js'
import { historyFileTimeline } from './wal.js'
import type { ClusterWal } from './wal-inventory.js'

/** A full backup with what it says of its cluster. */
export interface Base {
  readonly manifest: Manifest
  readonly facts: PostgresFacts
}

/** All that is known of one cluster of a system, which may have had several in the course of time. */
export interface Cluster {
  readonly systemIdentifier: string
  readonly segmentSizeBytes: number
  readonly wal: ClusterWal
  /** By where they end. */
  readonly bases: readonly Base[]
  readonly marks: readonly Mark[]
  /** By target timeline, ascending. */
  readonly paths: readonly Path[]
  /** The highest of the bases, the marks and the archived WAL to which the way is known. */
  readonly currentTimeline: number
}

/** The way to a timeline; or why it is not known, and then only what needs no archived WAL can be restored on it. */
export type Path =
  | { readonly timeline: number; readonly lineage: readonly LineagePiece[]; readonly history: TimelineHistory }
  | { readonly timeline: number; readonly lineage: undefined; readonly problem: HistoryProblem }

export type HistoryProblem = 'missing-history' | 'conflicting-history' | 'damaged-history'

/** The segment size of each cluster: what an inventory of the archive needs to know. A cluster has one size; the newest backup tells it. */
export function segmentSizesOf(manifests: readonly Manifest[]): Map<string, number> {
  return new Map(basesOf(manifests).map(({ facts }) => [facts.systemIdentifier, facts.segmentSizeBytes]))
}

/** Clusters with a full backup, that with the newest last. */
export function clustersOf(evidence: WindowEvidence): Cluster[] {
  const clusters = [...segmentSizesOf(evidence.manifests)].map(([identifier, size]) => clusterOf(identifier, size, evidence))
  return clusters.toSorted((a, b) => newestBaseAt(a.bases) - newestBaseAt(b.bases))
}

export function basesOf(manifests: readonly Manifest[]): Base[] {
  const bases = manifests.flatMap((manifest): Base[] => {
    const { kind, facts } = manifest
    return kind !== 'full' || 'dumps' in facts ? [] : [{ manifest, facts }]
  })
  return bases.toSorted((a, b) => microsOf(a.manifest.stoppedAt) - microsOf(b.manifest.stoppedAt))
}

function clusterOf(systemIdentifier: string, segmentSizeBytes: number, evidence: WindowEvidence): Cluster {
  const wal = evidence.wal.cluster(systemIdentifier) ?? { segmentSizeBytes, timelines: new Map(), histories: [] }
  const bases = basesOf(evidence.manifests).filter(({ facts }) => facts.systemIdentifier === systemIdentifier)
  const marks = evidence.marks.filter((mark) => mark.systemIdentifier === systemIdentifier)
  const histories = evidence.histories.filter((history) => history.systemIdentifier === systemIdentifier)
  const timelines = new Set([
    ...wal.timelines.keys(),
    ...wal.histories.map(({ file }) => historyFileTimeline(file) ?? 1),
    ...bases.map(({ facts }) => facts.timeline),
    ...marks.map(({ timeline }) => timeline),
  ])
  const paths = [...timelines].toSorted((a, b) => a - b).map((timeline) => pathTo(timeline, histories))
  const currentTimeline = currentTimelineOf(wal, paths, bases, marks)
  return { systemIdentifier, segmentSizeBytes, wal, bases, marks, paths, currentTimeline }
}

function pathTo(timeline: number, histories: readonly FoundHistory[]): Path {
  if (timeline === 1) return known(firstTimeline)
  const [found, another] = histories.filter((history) => history.timeline === timeline)
  if (found === undefined) return { timeline, lineage: undefined, problem: 'missing-history' }
  if (another !== undefined) return { timeline, lineage: undefined, problem: 'conflicting-history' }
  if (found.history === undefined) return { timeline, lineage: undefined, problem: 'damaged-history' }
  return known(found.history)
}

function known(history: TimelineHistory): Path {
  return { timeline: history.timeline, lineage: lineageOf(history), history }
}

/**
 * A promotion, also one after a recovery to an earlier moment, makes a higher timeline than all before it. What is newer on a lower one is
 * of an old primary that is back and was not fenced: its backups must not hide what was archived of the server that took over.
 */
function currentTimelineOf(wal: ClusterWal, paths: readonly Path[], bases: readonly Base[], marks: readonly Mark[]): number {
  const archived = paths.filter(({ timeline, lineage }) => lineage !== undefined && wal.timelines.has(timeline))
  const stated = [...archived, ...bases.map(({ facts }) => facts), ...marks]
  return stated.reduce((highest, { timeline }) => Math.max(highest, timeline), 1)
}

function newestBaseAt(bases: readonly Base[]): number {
  return bases.reduce((newest, { manifest }) => Math.max(newest, microsOf(manifest.stoppedAt)), 0)
}
