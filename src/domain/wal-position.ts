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
export function planWalStart({ received, flushedLsn, guardLsn, history, segmentSizeBytes }: StartQuestion): WalStart {
  const fromGuard = (): WalStart => {
    const lsn = segmentFloor(guardLsn, segmentSizeBytes)
    return { outcome: 'start', from: { timeline: timelineAt(history, lsn), lsn } }
  }
  if (received === undefined) return fromGuard()
  if (received.timeline > history.timeline) {
    const message = `the server is on timeline ${history.timeline}, and timeline ${received.timeline} was received before`
    return { outcome: 'refused', message: `${message}: an earlier primary, or a copy of one` }
  }
  if (received.timeline === history.timeline && lsnToBytes(flushedLsn) < lsnToBytes(received.lsn)) {
    const message = `the server is at ${flushedLsn} of timeline ${history.timeline}, and was received up to ${received.lsn} before`
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

/** Up to where a server may forget its WAL when everything before `held` is held elsewhere. Undefined: it must keep all. */
export function forgettable(held: WalPosition, history: TimelineHistory): Lsn | undefined {
  const piece = lineageOf(history).find(({ timeline }) => timeline === held.timeline)
  if (piece === undefined) return undefined
  return piece.end !== undefined && lsnToBytes(held.lsn) > piece.end ? formatLsn(piece.end) : held.lsn
}
