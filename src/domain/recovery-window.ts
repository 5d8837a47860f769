import { type Cluster, clustersOf } from './cluster-paths.js'
import type { BackupId } from './ids.js'
import { compareLsn, type Lsn } from './lsn.js'
import type { Manifest } from './manifest.js'
import type { Mark } from './mark.js'
import { microsOf } from './moment.js'
import type { TimelineHistory } from './timeline-history.js'
import { historyFileName } from './wal.js'
import type { WalInventory } from './wal-inventory.js'
import { gapsOf } from './window-gaps.js'
import { spansOn } from './window-spans.js'

/** A moment of a cluster: a time by its clock, and the WAL it had flushed by then. */
export interface WindowMoment {
  /** ISO 8601 UTC. */
  readonly at: string
  readonly lsn: Lsn
}

/** A full backup a recovery can start from. */
export interface WindowBase {
  readonly backup: BackupId
  readonly timeline: number
  readonly startLsn: Lsn
  readonly stopLsn: Lsn
  readonly stoppedAt: string
}

/** Segments of one timeline that a recovery reads, both inclusive and everything between. */
export interface WalPiece {
  readonly timeline: number
  readonly firstSegment: string
  readonly lastSegment: string
}

/** The file a recovery ends with. A partial is handed to PostgreSQL under the segment's name. */
export interface LastFile {
  readonly kind: 'segment' | 'partial'
  readonly file: string
}

/** A stretch of moments without a gap, all of them restorable, on the way to one timeline. */
export interface WindowSpan {
  readonly systemIdentifier: string
  /** The target timeline: the way to it may lead over others. */
  readonly timeline: number
  /** By their end, the oldest first; never empty. Each reaches from its own end to the span's. */
  readonly bases: readonly WindowBase[]
  /** End of the first base. */
  readonly from: WindowMoment
  /** The newest moment that a mark proves, or the end of the newest base. */
  readonly to: WindowMoment
  /**
   * The newest mark, absent where none is newer than the first base: every time up to it can be restored. Of the ends of backups
   * behind it only they themselves can, for who knows what was committed while the last of them was being finished.
   */
  readonly markedTo?: WindowMoment
  /** Where the archived WAL ends; at or after `to.lsn`. */
  readonly archivedTo: Lsn
  /** What the oldest base needs from the archive, in the order of replay. Empty: nothing beyond the backup itself. */
  readonly pieces: readonly WalPiece[]
  readonly lastFile?: LastFile
}

export type GapReason =
  /** Segments that are not there. */
  | 'missing'
  /** Two contents under one name. */
  | 'conflict'
  /** The history file of a timeline. */
  | 'missing-history'
  | 'conflicting-history'
  /** A history file that cannot be read. */
  | 'damaged-history'

export interface WindowGap {
  readonly systemIdentifier: string
  readonly timeline: number
  /** Names of files, both inclusive. */
  readonly firstMissing: string
  readonly lastMissing: string
  readonly reason: GapReason
}

export interface WindowTimeline {
  readonly systemIdentifier: string
  readonly timeline: number
  /** Where it left the one before it; absent for the first, and where its history is not known. */
  readonly parent?: { readonly timeline: number; readonly switchLsn: Lsn }
  /** ISO 8601 UTC: when its history was archived, so some moments after the promotion. */
  readonly archivedAt?: string
  /** Marks of it, the oldest first: enough of them to tell which timeline was at work when. */
  readonly seen: readonly WindowMoment[]
  /** The one the archiver follows: `latest` means the way to it, and so does every time since it was first seen. */
  readonly current: boolean
}

/** WAL of a cluster of which there is no backup: left aside. */
export interface ForeignWal {
  readonly systemIdentifier: string
  readonly objects: number
  /** Name of one of them. */
  readonly example: string
}

/** What can be restored from one repository, proven by what lies there. */
export interface RecoveryWindow {
  /** Of the current cluster and the way to its current timeline. Absent: nothing can be restored. */
  readonly earliest?: WindowMoment
  readonly latest?: WindowMoment
  /** Now less the newest moment proven on the way to the current timeline: what would be lost. Absent without a base. */
  readonly actualRpoMs?: number
  /** By cluster, timeline and time. */
  readonly spans: readonly WindowSpan[]
  readonly gaps: readonly WindowGap[]
  readonly timelines: readonly WindowTimeline[]
  readonly foreign: readonly ForeignWal[]
}

/** A history file as found: read, or why not. Different contents under one name are two of them. */
export interface FoundHistory {
  readonly systemIdentifier: string
  readonly timeline: number
  /** Absent: it could not be read. */
  readonly history?: TimelineHistory
}

export interface WindowEvidence {
  /** Full backups, without those that are about to be removed. Others are passed over. */
  readonly manifests: readonly Manifest[]
  readonly wal: WalInventory
  readonly histories: readonly FoundHistory[]
  /** Those whose signature was checked. In any order; the newest that count are enough. */
  readonly marks: readonly Mark[]
  readonly now: Date
}

/**
 * Proves what can be restored from one repository. A moment is restorable when there is a full backup that ended before it, the archived WAL
 * of its lineage from there on is unbroken, and a mark says that what lies there goes as far as that moment. Pure, and in favour of doubt:
 * where two contents claim one name, nothing behind it counts.
 */
export function recoveryWindow(evidence: WindowEvidence): RecoveryWindow {
  const clusters = clustersOf(evidence)
  const proven = clusters.map((cluster) => cluster.paths.flatMap((path) => spansOn(cluster, path)))
  const spans = proven.flat().map(({ span }) => span)
  const current = clusters.at(-1)
  const ownWay = (proven.at(-1) ?? []).filter(({ path }) => path.timeline === current?.currentTimeline).map(({ span }) => span)
  const [earliest, latest] = [ownWay[0]?.from, ownWay.at(-1)?.to]
  return {
    ...(earliest === undefined ? {} : { earliest }),
    ...(latest === undefined ? {} : { latest, actualRpoMs: Math.max(0, evidence.now.getTime() - Date.parse(latest.at)) }),
    spans,
    gaps: clusters.flatMap((cluster, index) => gapsOf(cluster, proven[index] ?? [])),
    timelines: clusters.flatMap(timelinesOf),
    foreign: evidence.wal.strangers(),
  }
}

function timelinesOf({ systemIdentifier, paths, currentTimeline, wal, marks }: Cluster): WindowTimeline[] {
  return paths.map((path) => {
    const stored = wal.histories
      .filter(({ file }) => file === historyFileName(path.timeline))
      .map(({ storedAt }) => storedAt.getTime())
    const parent = path.lineage === undefined ? undefined : path.history.ancestors.at(-1)
    return {
      systemIdentifier,
      timeline: path.timeline,
      ...(parent === undefined ? {} : { parent: { timeline: parent.timeline, switchLsn: parent.endLsn } }),
      ...(stored.length === 0 ? {} : { archivedAt: new Date(Math.min(...stored)).toISOString() }),
      seen: momentsOf(marks.filter(({ timeline }) => timeline === path.timeline)),
      current: path.timeline === currentTimeline,
    }
  })
}

/** Several questions may have been answered by one mark. */
function momentsOf(marks: readonly Mark[]): WindowMoment[] {
  const moments = new Map(marks.map(({ at, lsn }) => [`${at} ${lsn}`, { at, lsn }]))
  return [...moments.values()].toSorted((a, b) => microsOf(a.at) - microsOf(b.at) || compareLsn(a.lsn, b.lsn))
}
