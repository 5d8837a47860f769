import { lsnToBytes } from './lsn.js'
import { createSegmentTable, type SegmentTable } from './segment-table.js'
import { historyFileTimeline, tryParseSegmentName, type WalObject } from './wal.js'

/** The WAL of one cluster, by timeline; numbers are those of segments. */
export interface ClusterWal {
  readonly segmentSizeBytes: number
  readonly timelines: ReadonlyMap<number, TimelineWal>
  /** History files, those with different contents under one name too. */
  readonly histories: readonly WalObject[]
}

export interface TimelineWal {
  readonly segments: SegmentTable
  /** By number: where the newest partial ends, in bytes of WAL. One of which there are two contents is none. */
  partialEnd(number: number): bigint | undefined
  /** The smallest number from this one on of which there is a segment, or a partial, of whatever worth. */
  nextAt(number: number): number | undefined
}

/** WAL of no known cluster, or that fits no segment size: counted, not kept. */
export interface StrangerWal {
  readonly systemIdentifier: string
  readonly objects: number
  readonly example: string
}

/**
 * All archived WAL of a system, folded while it is listed: 8 bytes for each segment, whatever it is called. Listed again or twice does no harm.
 */
export interface WalInventory {
  add(object: WalObject): void
  cluster(systemIdentifier: string): ClusterWal | undefined
  strangers(): readonly StrangerWal[]
}

/** @param segmentSizes of the known clusters, by system identifier */
export function createWalInventory(segmentSizes: ReadonlyMap<string, number>): WalInventory {
  const clusters = new Map([...segmentSizes].map(([identifier, sizeBytes]) => [identifier, createCluster(sizeBytes)]))
  const strangers = new Map<string, StrangerWal>()
  return {
    add(object) {
      const { systemIdentifier, file } = object
      if (clusters.get(systemIdentifier)?.add(object) === true) return
      const seen = strangers.get(systemIdentifier)
      strangers.set(systemIdentifier, { systemIdentifier, objects: (seen?.objects ?? 0) + 1, example: seen?.example ?? file })
    },
    cluster: (systemIdentifier) => clusters.get(systemIdentifier),
    strangers: () => [...strangers.values()],
  }
}

interface GrowingTimeline extends TimelineWal {
  readonly partials: PartialTable
}

/** @returns whose `add` says whether the object fits the cluster */
function createCluster(segmentSizeBytes: number): ClusterWal & { add(object: WalObject): boolean } {
  const timelines = new Map<number, GrowingTimeline>()
  const histories: WalObject[] = []
  function timelineOf(timeline: number): GrowingTimeline {
    const known = timelines.get(timeline) ?? createTimeline()
    timelines.set(timeline, known)
    return known
  }
  return {
    segmentSizeBytes,
    timelines,
    histories,
    add(object) {
      if (object.kind === 'history') {
        if (historyFileTimeline(object.file) === undefined) return false
        histories.push(object)
        return true
      }
      const position = tryParseSegmentName(object.file, segmentSizeBytes)
      if (position === undefined) return false
      const number = Number(position.number)
      if (object.kind === 'segment') timelineOf(position.timeline).segments.add(number, object.hash)
      else {
        const end = lsnToBytes(object.endLsn)
        const start = position.number * BigInt(segmentSizeBytes)
        if (end <= start || end > start + BigInt(segmentSizeBytes)) return false
        timelineOf(position.timeline).partials.add(number, end, object.hash)
      }
      return true
    },
  }
}

function createTimeline(): GrowingTimeline {
  const segments = createSegmentTable()
  const partials = createPartialTable()
  return {
    segments,
    partials,
    partialEnd: (number) => partials.newest(number),
    nextAt: (number) => smaller(segments.nextAt(number), partials.nextAt(number)),
  }
}

interface PartialTable {
  add(number: number, end: bigint, hash: string): void
  newest(number: number): bigint | undefined
  nextAt(number: number): number | undefined
}

/** There are few: the archiver removes what a newer one supersedes. */
function createPartialTable(): PartialTable {
  const hashes = new Map<number, Map<bigint, string | 'conflict'>>()
  return {
    add(number, end, hash) {
      const ends = hashes.get(number) ?? new Map<bigint, string>()
      const known = ends.get(end)
      ends.set(end, known === undefined || known === hash ? hash : 'conflict')
      hashes.set(number, ends)
    },
    newest(number) {
      const whole = [...(hashes.get(number) ?? [])].filter(([, hash]) => hash !== 'conflict').map(([end]) => end)
      return whole.toSorted((a, b) => (a < b ? -1 : 1)).at(-1)
    },
    nextAt(number) {
      const later = [...hashes.keys()].filter((known) => known >= number)
      return later.length === 0 ? undefined : Math.min(...later)
    },
  }
}

function smaller(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b)
}
