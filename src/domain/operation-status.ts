import type { Progress } from './progress.js'
import { formatBytes } from './quantity.js'

/** What an operation shows of itself while it runs: the answer to the `status` query, and the text in the UI. */
export interface OperationStatus {
  readonly title: string
  readonly steps: readonly StepStatus[]
}

export interface StepStatus {
  readonly name: string
  readonly state: 'waiting' | 'running' | 'done' | 'failed'
  /** A figure, a name, a reason. */
  readonly note?: string
  readonly progress?: Progress
}

/**
 * Markdown for the Temporal UI: a paragraph of lines. Its pane is made a little too low for what is in it (2.42), more so with
 * headings and tables, and hides what is last: so that is an empty line.
 */
export function renderStatus(status: OperationStatus): string {
  return [`**${plainMarkdown(status.title)}**`, ...status.steps.flatMap((step) => [line(step), ...conditionLines(step)])]
    .join('\\\n')
    .concat('\n\n\u00a0')
}

const marks = { waiting: '·', running: '▶', done: '✔', failed: '✘' } as const

function line(step: StepStatus): string {
  const name = step.state === 'waiting' ? plainMarkdown(step.name) : `**${plainMarkdown(step.name)}**`
  const parts = [step.note, step.state === 'running' ? figures(step.progress) : undefined].filter((part) => part !== undefined)
  return [`${marks[step.state]} ${name}`, ...(parts.length === 0 ? [] : [plainMarkdown(parts.join(' · '))])].join(' ')
}

/** Text as it is: what an error or an operator says must not become Markdown. */
export function plainMarkdown(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_<>[\]|#~]/g, '\\$&')
}

function conditionLines({ progress }: StepStatus): string[] {
  return (progress?.conditions ?? []).map(({ code, message, since }) => `⚠ **${code}** since ${since}: ${plainMarkdown(message)}`)
}

function figures(progress: Progress | undefined): string | undefined {
  if (progress === undefined) return undefined
  if (progress.facts !== undefined)
    return Object.entries(progress.facts)
      .map((fact) => fact.join(' '))
      .join(', ')
  const { doneBytes, totalBytes, at, counters = {} } = progress
  const share = totalBytes === undefined || totalBytes === 0 ? '' : ` of ${formatBytes(totalBytes)}`
  const counts = Object.entries(counters).map(([name, count]) => `${name} ${count}`)
  const until = at === undefined ? [] : [`up to ${at}`]
  return [`${formatBytes(doneBytes)}${share}`, ...until, ...counts].join(', ')
}
