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

/** What runs or waits is told again this often, so that a log shows that somebody still looks, and whether it moves. */
const againEveryMs = 30_000

const mayLeave = 'Ctrl-C leaves, and it goes on; `holdfast status` shows it, `holdfast cancel` ends it'

interface Said {
  readonly line: string
  readonly at: number
  readonly since: number
  readonly doneBytes: number
}

/** For logs: each change once, and what lasts every half minute. @param now milliseconds */
export function createLineDisplay(stream: Pick<NodeJS.WritableStream, 'write'>, now: () => number): ProgressDisplay {
  const steps = new Map<string, Said>()
  let obstaclesSaid = new Map<string, number>()
  let hasSaidLeave = false
  let lastAt = now()
  const say = (text: string) => {
    stream.write(`${text}\n`)
    lastAt = now()
  }
  const sayObstacles = ({ obstacles }: Observation) => {
    const said = new Map<string, number>()
    for (const { key, text } of obstacles) {
      const before = obstaclesSaid.get(key)
      const isDue = before === undefined || now() - before >= againEveryMs
      if (isDue) say(`  ${text}`)
      said.set(key, isDue ? now() : before)
    }
    obstaclesSaid = said
    if (obstacles.length === 0 || hasSaidLeave) return
    hasSaidLeave = true
    say(`  ${mayLeave}`)
  }
  return {
    show(observation) {
      for (const step of observation.steps) {
        const before = steps.get(step.name)
        const text = changeOf(step, before, now())
        if (text === undefined) continue
        say(text)
        const line = lineOf(step)
        const since = before?.line === line ? before.since : now()
        steps.set(step.name, { line, since, at: now(), doneBytes: step.progress?.doneBytes ?? 0 })
      }
      sayObstacles(observation)
      if (now() - lastAt >= againEveryMs) say(`  ${observation.doing.join(', ') || 'waiting'}`)
    },
  }
}

function changeOf(step: StepStatus, said: Said | undefined, at: number): string | undefined {
  if (step.state === 'waiting') return undefined
  const line = lineOf(step)
  if (line !== said?.line) return line
  const { progress } = step
  if (step.state !== 'running' || at - said.at < againEveryMs) return undefined
  if (progress === undefined || progress.doneBytes === said.doneBytes) return `${line} for ${formatDuration(at - said.since)}`
  const { doneBytes, totalBytes } = progress
  const until = progress.at === undefined ? '' : `, up to ${progress.at}`
  return `${line}: ${formatBytes(doneBytes)}${totalBytes === undefined ? '' : ` of ${formatBytes(totalBytes)}`}${until}`
}

function lineOf({ name, state, note }: StepStatus): string {
  // What was asked to end has not failed.
  if (state === 'failed' && note?.startsWith('STOPPED') === true) return `${name}: stopped`
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
    show({ steps, obstacles }) {
      draw([...steps.map((step) => liveLine(step, rateOf(step, samples))), ...obstacles.map(({ text }) => `  ! ${text}`)])
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
