import type { Cluster, Path } from './cluster-paths.js'
import { lsnToBytes } from './lsn.js'
import type { WindowGap } from './recovery-window.js'
import type { LineagePiece } from './timeline-history.js'
import { historyFileName, segmentName } from './wal.js'
import { piecesIn } from './wal-chain.js'
import { isOnLineage, type ProvenSpan } from './window-spans.js'

/** What keeps the spans of a cluster from going on, although something lies or is said to lie behind their ends. Each once. */
export function gapsOf(cluster: Cluster, spans: readonly ProvenSpan[]): WindowGap[] {
  const gaps = [
    ...cluster.paths.flatMap((path) => historyGap(cluster, path)),
    ...spans.flatMap((span) => gapBehind(cluster, span, spans)),
  ]
  const named = new Map(gaps.map((gap) => [`${gap.firstMissing} ${gap.lastMissing} ${gap.reason}`, gap]))
  return [...named.values()].toSorted((a, b) => (a.firstMissing < b.firstMissing ? -1 : 1))
}

function historyGap({ systemIdentifier }: Cluster, path: Path): WindowGap[] {
  if (path.lineage !== undefined) return []
  const file = historyFileName(path.timeline)
  return [{ systemIdentifier, timeline: path.timeline, firstMissing: file, lastMissing: file, reason: path.problem }]
}

function gapBehind(cluster: Cluster, { chain, path }: ProvenSpan, spans: readonly ProvenSpan[]): WindowGap[] {
  const { lineage } = path
  if (lineage === undefined) return []
  const { systemIdentifier, wal, segmentSizeBytes } = cluster
  const gap = (first: number, last: number, reason: 'missing' | 'conflict', timeline?: number): WindowGap[] => {
    const nameOf = (number: number) =>
      segmentName({ timeline: timeline ?? ownerOf(number), number: BigInt(number) }, segmentSizeBytes)
    return [
      { systemIdentifier, timeline: timeline ?? ownerOf(first), firstMissing: nameOf(first), lastMissing: nameOf(last), reason },
    ]
  }
  const ownerOf = (number: number) => piecesIn(lineage, number, segmentSizeBytes)[0]?.timeline ?? path.timeline
  const first = chain.brokenAt
  const doubted = piecesIn(lineage, first, segmentSizeBytes).find(
    ({ timeline }) => wal.timelines.get(timeline)?.segments.state(first) === 'conflict',
  )
  if (doubted !== undefined) return gap(first, first, 'conflict', doubted.timeline)
  const next = nextOn(cluster, lineage, first + 1)
  if (next !== undefined) return gap(first, next - 1, 'missing')
  const stated = furthestStated(cluster, lineage, spans)
  return stated === undefined || stated <= chain.end
    ? []
    : gap(first, Number((stated - 1n) / BigInt(segmentSizeBytes)), 'missing')
}

/** The first segment of the lineage, from a number on, of which there is anything. */
function nextOn({ wal, segmentSizeBytes }: Cluster, lineage: readonly LineagePiece[], from: number): number | undefined {
  const size = BigInt(segmentSizeBytes)
  const found = lineage.flatMap(({ timeline, begin, end }) => {
    const number = wal.timelines.get(timeline)?.nextAt(Math.max(from, Number(begin / size)))
    return number === undefined || (end !== undefined && BigInt(number) * size >= end) ? [] : [number]
  })
  return found.length === 0 ? undefined : Math.min(...found)
}

/**
 * How far marks say that the archive reaches. What another way leads to is no gap: after a promotion the end of the old timeline
 * may lie under the new one's name alone.
 */
function furthestStated({ marks }: Cluster, lineage: readonly LineagePiece[], spans: readonly ProvenSpan[]): bigint | undefined {
  const open = marks
    .filter((mark) => isOnLineage(mark, lineage))
    .filter((mark) => {
      const position = lsnToBytes(mark.lsn)
      return !spans.some(({ path, chain, span }) => {
        const piece = path.lineage?.find(({ timeline }) => timeline === mark.timeline)
        const led = piece !== undefined && (piece.end === undefined || position <= piece.end)
        return led && position >= lsnToBytes(span.from.lsn) && position <= chain.end
      })
    })
  const positions = open.map(({ lsn }) => lsnToBytes(lsn))
  return positions.toSorted((a, b) => (a < b ? -1 : 1)).at(-1)
}
