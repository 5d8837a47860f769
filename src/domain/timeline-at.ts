import { compareLsn, type Lsn } from './lsn.js'
import { microsOf } from './moment.js'
import type { RecoveryWindow, WindowMoment, WindowTimeline } from './recovery-window.js'

/** What is known of a cluster around a moment: scripts/restore/timeline_at.py decides the same. */
export interface Surroundings {
  /** Seen last before the moment, on the highest timeline that had been seen by then. */
  readonly before: Sighting
  /** Seen first behind it, on that timeline or a higher one; else the one before. */
  readonly after: Sighting
  /** Whether the way to a timeline has what was committed then. */
  holds(timeline: number): boolean
}

/** A timeline was at work there and then. */
interface Sighting extends WindowMoment {
  readonly timeline: number
}

/**
 * Which timelines have what was committed at a moment. A server that was set back, or a standby that was behind when it was promoted, leaves WAL
 * behind that is on the way to the old timeline alone; the way to the new one has less of that time. So what was seen last before the moment,
 * and first behind it, must be on the way. An old primary that is back does not count: its timeline is lower than one that was seen before.
 * @param windows of all repositories: what one does not know another does
 * @returns undefined where nothing was seen by then
 */
export function surroundingsOf(
  time: string,
  systemIdentifier: string,
  windows: readonly RecoveryWindow[],
): Surroundings | undefined {
  const at = microsOf(time)
  const timelines = windows.flatMap((window) => window.timelines).filter(isOf(systemIdentifier))
  const marks = timelines.flatMap(({ timeline, seen }) => seen.map((moment) => ({ ...moment, timeline })))
  const bases = windows.flatMap(({ spans }) => spans.filter(isOf(systemIdentifier))).flatMap((span) => span.bases)
  const ends = bases.map(({ timeline, stoppedAt, stopLsn }): Sighting => ({ timeline, at: stoppedAt, lsn: stopLsn }))
  const earlier = [...marks, ...ends].filter((seen) => microsOf(seen.at) <= at)
  const highest = earlier.reduce((timeline, seen) => Math.max(timeline, seen.timeline), 0)
  const [before] = earlier.filter(({ timeline }) => timeline === highest).toSorted((a, b) => compareLsn(b.lsn, a.lsn))
  if (before === undefined) return undefined
  // What was committed while a backup was being finished is behind its position.
  const later = [
    ...marks.filter((seen) => seen.timeline >= highest && microsOf(seen.at) >= at),
    ...ends.filter((seen) => seen.timeline > highest && microsOf(seen.at) > at),
  ]
  const [after = before] = later.toSorted((a, b) => microsOf(a.at) - microsOf(b.at) || a.timeline - b.timeline)
  const both = (timeline: number) => [before, after].every((seen) => has(timeline, seen, timelines))
  // The end of a backup is the moment it is known for, whatever else is.
  const isEnd = ends.some((end) => end.timeline === highest && microsOf(end.at) === at)
  const holds = isEnd && !timelines.some(({ timeline }) => both(timeline)) ? (timeline: number) => timeline === highest : both
  return { before, after, holds }
}

/** Where the way to a timeline leaves one that is on it; undefined for what is not on it, and for the timeline itself. */
export function leaveOf(timeline: number, target: number, timelines: readonly WindowTimeline[]): Lsn | undefined {
  let leave: Lsn | undefined
  let on = target
  while (on > timeline) {
    const parent = timelines.find((known) => known.timeline === on && known.parent !== undefined)?.parent
    if (parent === undefined) return undefined
    // A recovery along a timeline may stop before that began.
    if (leave === undefined || compareLsn(parent.switchLsn, leave) < 0) leave = parent.switchLsn
    on = parent.timeline
  }
  return on === timeline ? leave : undefined
}

function has(target: number, { timeline, lsn }: Sighting, timelines: readonly WindowTimeline[]): boolean {
  if (timeline === target) return true
  const leave = leaveOf(timeline, target, timelines)
  return leave !== undefined && compareLsn(lsn, leave) <= 0
}

function isOf(systemIdentifier: string): (other: { readonly systemIdentifier: string }) => boolean {
  return (other) => other.systemIdentifier === systemIdentifier
}
