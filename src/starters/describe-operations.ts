import type { StepStatus } from '../domain/operation-status.js'
import { formatBytes, formatDuration } from '../domain/quantity.js'
import type { EndedOperation, OperationsSeen, RunningOperation } from './see-operations.js'

/** What runs and what ended, for a person. @param nowMs milliseconds */
export function describeOperations({ running, ended }: OperationsSeen, nowMs: number): string {
  const now = running.length === 0 ? ['nothing is running or waiting'] : running.flatMap((each) => describeRunning(each, nowMs))
  const before = ended.length === 0 ? [] : ['', 'ended:', ...ended.flatMap(describeEnded)]
  return `${[...now, ...before].join('\n')}\n`
}

function describeRunning(operation: RunningOperation, nowMs: number): string[] {
  const { id, backup, startedAt, steps, doing, obstacles } = operation
  const since = `since ${clock(startedAt)}, for ${formatDuration(nowMs - Date.parse(startedAt))}`
  const told = steps.filter(({ state }) => state !== 'waiting').map(describeStep)
  const hasStep = steps.some(({ state }) => state === 'running')
  return [
    `${id}: ${since}${backup === undefined ? '' : `, ${backup}`}`,
    ...told,
    // Between steps, or where no worker can tell them.
    ...(hasStep || obstacles.length > 0 || doing.length === 0 ? [] : [`  ${doing.join(', ')}`]),
    ...obstacles.map(({ text }) => `  ! ${text}`),
  ]
}

function describeStep({ name, state, note, progress }: StepStatus): string {
  const figures = state === 'running' && progress !== undefined ? figuresOf(progress) : undefined
  const more = [note, figures].filter((part) => part !== undefined).join(', ')
  return `  ${name}: ${state}${more === '' ? '' : ` (${more})`}`
}

function figuresOf({ doneBytes, totalBytes }: NonNullable<StepStatus['progress']>): string {
  return `${formatBytes(doneBytes)}${totalBytes === undefined ? '' : ` of ${formatBytes(totalBytes)}`}`
}

function describeEnded({ id, outcome, startedAt, endedAt, backup, failure, hint }: EndedOperation): string[] {
  const took = endedAt === undefined ? '' : ` after ${formatDuration(Date.parse(endedAt) - Date.parse(startedAt))}`
  const line = `  ${clock(endedAt ?? startedAt)}  ${id}: ${outcome}${took}${backup === undefined ? '' : `, ${backup}`}`
  const why = [failure, hint].filter((text) => text !== undefined).flatMap((text) => text.split('\n'))
  return [line, ...why.map((text) => `    ${text}`)]
}

function clock(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z')
}
