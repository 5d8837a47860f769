import { formatLsn, type Lsn, lsnToBytes } from './lsn.js'
import { lineageOf, type TimelineHistory, timelineAt } from './timeline-history.js'

/** A place in the WAL: everything before `lsn`, on the way to `timeline`. */
export interface WalPosition {
  readonly timeline: number
  readonly lsn: Lsn
}

/** Later timelines come after all of the earlier ones: that is the order in which they are archived. */
export function comparePositions(a: WalPosition, b: WalPosition): number {
  if (a.timeline !== b.timeline) return a.timeline - b.timeline
  const difference = lsnToBytes(a.lsn) - lsnToBytes(b.lsn)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** LSN of the first byte of the segment that holds `lsn`. */
export function segmentFloor(lsn: Lsn, segmentSizeBytes: number): Lsn {
  const size = BigInt(segmentSizeBytes)
  return formatLsn((lsnToBytes(lsn) / size) * size)
}

interface StartQuestion {
  /** The next byte that is not here yet; undefined in a new spool. */
  readonly received: WalPosition | undefined
  /** Up to where the segment behind that was received, where it was. */
  readonly partialEnd?: Lsn
  /** How far the server has come itself. */
  readonly flushedLsn: Lsn
  /** What the server keeps for us from. */
  readonly guardLsn: Lsn
  /** Of the server's own timeline. */
  readonly history: TimelineHistory
  readonly segmentSizeBytes: number
}

export type WalStart =
  | { readonly outcome: 'start'; readonly from: WalPosition }
  /** The server does not have what we received: it is another branch of the same cluster. */
  | { readonly outcome: 'refused'; readonly message: string }

/**
 * Where receiving goes on, at the beginning of a segment. A server that was promoted before it had all we received from the one
 * before it is followed from the fork on: what lies beyond stays archived under its own timeline.
 */
export function planWalStart(question: StartQuestion): WalStart {
  const { received, flushedLsn, history, segmentSizeBytes } = question
  const fromGuard = (): WalStart => ({ outcome: 'start', from: guardedFrom(question) })
  if (received === undefined) return fromGuard()
  if (received.timeline > history.timeline) {
    const message = `the server is on timeline ${history.timeline}, and timeline ${received.timeline} was received before`
    return { outcome: 'refused', message: `${message}: an earlier primary, or a copy of one` }
  }
  const reached = furtherOf(received.lsn, question.partialEnd)
  if (received.timeline === history.timeline && lsnToBytes(flushedLsn) < lsnToBytes(reached)) {
    const message = `the server is at ${flushedLsn} of timeline ${history.timeline}, and was received up to ${reached} before`
    return { outcome: 'refused', message: `${message}: it was set back without a timeline of its own` }
  }
  const lineage = lineageOf(history)
  const index = lineage.findIndex(({ timeline }) => timeline === received.timeline)
  const [piece, next] = [lineage[index], lineage[index + 1]]
  // Another branch: what it shares with ours is received again, which is harmless.
  if (piece === undefined) return fromGuard()
  // At the fork itself, too: there is nothing to stream of the old timeline, which pg_receivewal takes for a failure.
  if (piece.end !== undefined && next !== undefined && lsnToBytes(received.lsn) >= piece.end) {
    return { outcome: 'start', from: { timeline: next.timeline, lsn: segmentFloor(formatLsn(piece.end), segmentSizeBytes) } }
  }
  return { outcome: 'start', from: { timeline: received.timeline, lsn: segmentFloor(received.lsn, segmentSizeBytes) } }
}

/** The beginning of what a server keeps for us: on the timeline that wrote it, which may be one before the server's own. */
export function guardedFrom({
  guardLsn,
  history,
  segmentSizeBytes,
}: Pick<StartQuestion, 'guardLsn' | 'history' | 'segmentSizeBytes'>): WalPosition {
  const lsn = segmentFloor(guardLsn, segmentSizeBytes)
  return { timeline: timelineAt(history, lsn), lsn }
}

function furtherOf(a: Lsn, b: Lsn | undefined): Lsn {
  return b !== undefined && lsnToBytes(b) > lsnToBytes(a) ? b : a
}

/** Up to where a server may forget its WAL when everything before `held` is held elsewhere. Undefined: it must keep all. */
export function forgettable(held: WalPosition, history: TimelineHistory): Lsn | undefined {
  const piece = lineageOf(history).find(({ timeline }) => timeline === held.timeline)
  if (piece === undefined) return undefined
  return piece.end !== undefined && lsnToBytes(held.lsn) > piece.end ? formatLsn(piece.end) : held.lsn
}
