import { describeGap } from './describe-gap.js'
import { compareLsn, type Lsn } from './lsn.js'
import { microsOf } from './moment.js'
import type { RecoveryQuestion } from './plan-recovery.js'
import type { Way } from './recovery-ways.js'
import { leaveOf, surroundingsOf } from './timeline-at.js'

/**
 * Whether `latest` means this way rather than the other. What goes on along a timeline behind where it was left is no further, however
 * much later: it is of an old primary that is back.
 */
export function isFurther(way: Way, other: Way): boolean {
  if (isLeft(endOf(way), other)) return false
  return isLeft(endOf(other), way) || microsOf(way.recovery.endAt) > microsOf(other.recovery.endAt)
}

/** What `latest` does not bring back, although it was once there; and which timeline a time was found on, where it is not the current one. */
export function behindWay(way: Way, question: RecoveryQuestion): string[] {
  if (question.target.kind === 'time' && question.timeline === undefined) return leftSince(question.target.time, way, question)
  if (question.target.kind !== 'latest') return []
  return [...gapsBehind(way), ...(question.timeline === undefined ? backupsBeside(way, question) : [])]
}

function gapsBehind({ candidate, span }: Way): string[] {
  const ends = span.lastFile?.file.slice(8) ?? ''
  return candidate.window.gaps
    .filter((gap) => gap.systemIdentifier === span.systemIdentifier && gap.firstMissing.slice(8) >= ends)
    .map((gap) => `${candidate.repository}: ${describeGap(gap)}, so what follows ${span.to.at} is not restored`)
}

function leftSince(time: string, { span: { systemIdentifier, timeline } }: Way, { candidates }: RecoveryQuestion): string[] {
  const windows = candidates.map(({ window }) => window)
  const known = windows.flatMap(({ timelines }) => timelines).filter((other) => other.systemIdentifier === systemIdentifier)
  const current = Math.max(...known.filter((other) => other.current).map((other) => other.timeline))
  if (current <= timeline || surroundingsOf(time, systemIdentifier, windows)?.holds(current) === true) return []
  return [
    `timeline ${current} is not known to have what was there at ${time}: it is restored along timeline ${timeline}, which was current then`,
  ]
}

/** The newest backup, where it is of a timeline that was left: who took it looks at the wrong server. */
function backupsBeside(way: Way, { candidates }: RecoveryQuestion): string[] {
  const { timeline, systemIdentifier } = way.span
  const spans = candidates.flatMap(({ window }) => window.spans).filter((span) => span.systemIdentifier === systemIdentifier)
  const bases = spans.flatMap((span) => span.bases).toSorted((a, b) => microsOf(a.stoppedAt) - microsOf(b.stoppedAt))
  const newest = bases.at(-1)
  if (newest === undefined || !isLeft({ timeline: newest.timeline, lsn: newest.stopLsn, systemIdentifier }, way)) return []
  const what = `the newest backup, ${newest.backup}, is of timeline ${newest.timeline}, which was left for timeline ${timeline}`
  return [
    `${what}, and is not restored: if an old primary is back, fence it; --timeline ${newest.timeline} restores what it holds`,
  ]
}

interface Position {
  readonly systemIdentifier: string
  readonly timeline: number
  readonly lsn: Lsn
}

function endOf({ recovery: { systemIdentifier, timeline, endLsn } }: Way): Position {
  return { systemIdentifier, timeline, lsn: endLsn }
}

/** Whether a position lies on a lower timeline of the same cluster, behind where the way left it or without being on the way at all. */
function isLeft(position: Position, { candidate, span }: Way): boolean {
  if (position.systemIdentifier !== span.systemIdentifier || position.timeline >= span.timeline) return false
  const timelines = candidate.window.timelines.filter((known) => known.systemIdentifier === span.systemIdentifier)
  const leave = leaveOf(position.timeline, span.timeline, timelines)
  return leave === undefined || compareLsn(position.lsn, leave) > 0
}
