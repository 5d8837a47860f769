import { describeGap } from './describe-gap.js'
import { describeBackupId } from './ids.js'
import type { RecoveryCandidate, RecoveryDecision, RecoveryQuestion } from './plan-recovery.js'
import { formatRestoreTarget } from './recovery-target.js'
import { isCurrent, suits } from './recovery-ways.js'
import type { RecoveryWindow } from './recovery-window.js'

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
