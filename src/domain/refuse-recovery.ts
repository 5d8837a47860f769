import { describeGap } from './describe-gap.js'
import { describeBackupId } from './ids.js'
import type { RecoveryCandidate, RecoveryDecision, RecoveryQuestion } from './plan-recovery.js'
import { formatRestoreTarget } from './recovery-target.js'
import { isCurrent, suits } from './recovery-ways.js'
import type { RecoveryWindow } from './recovery-window.js'
import { surroundingsOf } from './timeline-at.js'

type Refusal = Extract<RecoveryDecision, { outcome: 'refused' }>

/** Why a target cannot be restored, and what can. */
export function refuseRecovery(candidates: readonly RecoveryCandidate[], question: RecoveryQuestion): Refusal {
  const { target, timeline } = question
  const wanted = target.kind === 'backup' ? target.backup : question.base
  const spans = candidates.flatMap(({ window }) => window.spans)
  if (wanted !== undefined && !spans.some(({ bases }) => bases.some(({ backup }) => backup === wanted))) return noSuchBase(wanted)
  if (spans.length === 0) return refused('NOT_FOUND', 'there is no full backup to start from')
  const timelines = [...new Set(spans.map((span) => span.timeline))].toSorted((a, b) => a - b)
  if (timeline !== undefined && !timelines.includes(timeline))
    return refused('NOT_FOUND', `nothing leads to timeline ${timeline}; there is ${timelines.join(', ')}`)
  const torn = describeTorn(candidates, question)
  if (torn !== undefined) return torn
  const fromBase = question.base === undefined ? '' : ` from ${question.base}`
  const windows = candidates.map(({ repository, window }) => `${repository}: ${describeWindow(window, timeline)}`).join('; ')
  const elsewhere = timelines.find(
    (known) =>
      known !== timeline &&
      spans.some((span) => span.timeline === known && span.bases.some((base) => suits(base, span, question))),
  )
  return {
    ...refused('OUTSIDE_WINDOW', `${formatRestoreTarget(target)} cannot be restored${fromBase}; what can: ${windows}`),
    ...(elsewhere === undefined
      ? {}
      : { hint: `it is on the way to timeline ${elsewhere}: add --timeline ${elsewhere} if you mean that one` }),
  }
}

/** A time between what is known of two timelines, neither of which is known to have what was there. */
function describeTorn(candidates: readonly RecoveryCandidate[], { target, timeline }: RecoveryQuestion): Refusal | undefined {
  if (target.kind !== 'time' || timeline !== undefined) return undefined
  const windows = candidates.map(({ window }) => window)
  const timelines = windows.flatMap((window) => window.timelines)
  // Of clusters that followed each other the newest speaks.
  const surroundings = [...new Set(timelines.map(({ systemIdentifier }) => systemIdentifier))]
    .map((systemIdentifier) => surroundingsOf(target.time, systemIdentifier, windows))
    .findLast((known) => known !== undefined)
  if (surroundings === undefined || timelines.some((known) => surroundings.holds(known.timeline))) return undefined
  const { before, after } = surroundings
  // Where its history is missing, nobody knows where it left the other: that is told as a gap.
  if (!timelines.some((known) => known.timeline === after.timeline && known.parent !== undefined)) return undefined
  const known = `the last that is known of timeline ${before.timeline} is of ${before.at}`
  const left = `and timeline ${after.timeline}, known from ${after.at}, left it before that`
  return {
    ...refused('OUTSIDE_WINDOW', `nothing tells what was there at ${target.time}: ${known}, ${left}`),
    hint: `restore ${before.at}, or add --timeline ${after.timeline} if you mean that one`,
  }
}

/** `2026-01-10T03:01:30.000Z to …, then …; 00000001… is missing`, on the way to a timeline or to the current one. */
export function describeWindow(window: RecoveryWindow, timeline?: number): string {
  const spans = window.spans.filter((span) => (timeline === undefined ? isCurrent(span, window) : span.timeline === timeline))
  const moments = spans.map(({ from, to }) => (from.at === to.at ? from.at : `${from.at} to ${to.at}`))
  const gaps = window.gaps.map(describeGap)
  return [spans.length === 0 ? 'nothing' : moments.join(', then '), ...gaps].join('; ')
}

function noSuchBase(wanted: NonNullable<RecoveryQuestion['base']>): Refusal {
  if (describeBackupId(wanted).kind === 'full') return refused('NOT_FOUND', `there is no backup ${wanted}`)
  return refused('NOT_SUPPORTED', `${wanted} is no full backup; WAL goes on from full backups alone`)
}

function refused(code: Refusal['code'], message: string): Refusal {
  return { outcome: 'refused', code, message }
}
