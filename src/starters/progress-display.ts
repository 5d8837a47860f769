import type { StepStatus } from '../domain/operation-status.js'
import { formatBytes, formatDuration } from '../domain/quantity.js'
import type { Observation } from './observe-operation.js'

export interface ProgressDisplay {
  show(observation: Observation): void
}

const barWidth = 24

/** On a terminal: lines that are redrawn, with rate and time left. Elsewhere: a line whenever something changes. */
export function createProgressDisplay(stream: NodeJS.WriteStream): ProgressDisplay {
  return stream.isTTY ? createLiveDisplay(stream) : createLineDisplay(stream, Date.now)
}

/** Figures of a running step are repeated this often, so that a log shows that it moves. */
const figuresEveryMs = 30_000

interface Said {
  readonly line: string
  readonly at: number
  readonly doneBytes: number
}

/** For logs: each change once. @param now milliseconds */
export function createLineDisplay(stream: Pick<NodeJS.WritableStream, 'write'>, now: () => number): ProgressDisplay {
  const steps = new Map<string, Said>()
  let remarksBefore = new Set<string>()
  return {
    show(observation) {
      for (const step of observation.steps) {
        const text = changeOf(step, steps.get(step.name), now())
        if (text === undefined) continue
        stream.write(`${text}\n`)
        steps.set(step.name, { line: lineOf(step), at: now(), doneBytes: step.progress?.doneBytes ?? 0 })
      }
      // A remark that only counts on (attempt 4, attempt 5) is the same remark.
      const remarks = new Map(observation.remarks.map((remark) => [remark.replaceAll(/\d+/g, '#'), remark]))
      for (const [key, remark] of remarks) if (!remarksBefore.has(key)) stream.write(`  ${remark}\n`)
      remarksBefore = new Set(remarks.keys())
    },
  }
}

function changeOf(step: StepStatus, said: Said | undefined, at: number): string | undefined {
  if (step.state === 'waiting') return undefined
  const line = lineOf(step)
  if (line !== said?.line) return line
  const { progress } = step
  const moved = progress !== undefined && progress.doneBytes !== said.doneBytes
  if (step.state !== 'running' || !moved || at - said.at < figuresEveryMs) return undefined
  const { doneBytes, totalBytes } = progress
  const until = progress.at === undefined ? '' : `, up to ${progress.at}`
  return `${line}: ${formatBytes(doneBytes)}${totalBytes === undefined ? '' : ` of ${formatBytes(totalBytes)}`}${until}`
}

function lineOf({ name, state, note }: StepStatus): string {
  return `${name}: ${state}${note === undefined ? '' : ` (${note})`}`
}

interface Sample {
  readonly at: number
  readonly bytes: number
}

function createLiveDisplay(stream: NodeJS.WriteStream): ProgressDisplay {
  const samples = new Map<string, Sample[]>()
  let drawn = 0
  const draw = (lines: readonly string[]) => {
    const width = stream.columns || 80
    if (drawn > 0) stream.write(`\u001b[${drawn}A\u001b[J`)
    for (const line of lines) stream.write(`${line.slice(0, width - 1)}\n`)
    drawn = lines.length
  }
  return {
    show({ steps, remarks }) {
      draw([...steps.map((step) => liveLine(step, rateOf(step, samples))), ...remarks.map((remark) => `  ! ${remark}`)])
    },
  }
}

const marks = { waiting: ' ', running: '>', done: '+', failed: 'x' } as const

function liveLine(step: StepStatus, bytesPerSecond: number | undefined): string {
  const head = `${marks[step.state]} ${step.name.padEnd(20)}`
  const { progress, note } = step
  if (step.state !== 'running' || progress === undefined) return `${head} ${note ?? ''}`
  const { doneBytes, totalBytes, at, counters = {} } = progress
  const counts = Object.entries(counters).map(([name, count]) => `${name} ${count}`)
  const rate = bytesPerSecond === undefined ? [] : [`${formatBytes(bytesPerSecond)}/s`]
  return [
    head,
    ...bar(doneBytes, totalBytes),
    formatBytes(doneBytes),
    ...rate,
    ...timeLeft(progress, bytesPerSecond),
    ...(at === undefined ? [] : [`up to ${at}`]),
    ...counts,
  ].join(' ')
}

function bar(done: number, total: number | undefined): string[] {
  if (total === undefined || total === 0) return []
  // Totals of captures are estimates: a bar must not run over its end.
  const share = Math.min(1, done / total)
  const full = Math.round(share * barWidth)
  return [`[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}]`, `${Math.round(share * 100)}%`]
}

function timeLeft({ doneBytes, totalBytes }: { doneBytes: number; totalBytes?: number }, rate: number | undefined): string[] {
  if (totalBytes === undefined || rate === undefined || rate === 0 || doneBytes >= totalBytes) return []
  return [`${formatDuration(((totalBytes - doneBytes) / rate) * 1000)} left`]
}

/** Over the last ten looks. */
function rateOf({ name, progress }: StepStatus, samples: Map<string, Sample[]>): number | undefined {
  if (progress === undefined) return undefined
  const row = [...(samples.get(name) ?? []), { at: Date.now(), bytes: progress.doneBytes }].slice(-10)
  samples.set(name, row)
  const [first] = row
  const last = row.at(-1)
  if (first === undefined || last === undefined || last.at - first.at < 1000) return undefined
  return Math.max(0, ((last.bytes - first.bytes) / (last.at - first.at)) * 1000)
}
