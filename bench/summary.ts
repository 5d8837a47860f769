import { type ContenderName, contenderNames } from './contender.js'
import type { Turn } from './series.js'

/** Medians of all turns of a contender, each figure on its own. Figures a contender does not have are left out. */
export interface Summary {
  readonly contender: ContenderName
  readonly runs: number
  readonly backup: Medians
  readonly restore?: Medians
}

export interface Medians {
  readonly wallMs: number
  /** The fastest and the slowest turn. */
  readonly wallSpanMs: readonly [number, number]
  readonly peakBytes: number
  readonly watcherPeakBytes?: number
  readonly cpuSeconds: number
  readonly storedBytes?: number
  readonly sourceCpuSeconds?: number
  readonly firstCommitMs?: number
  readonly withoutChecksMs?: number
  readonly stepsMs?: Readonly<Record<string, number>>
}

export function summarise(turns: readonly Turn[]): Summary[] {
  return contenderNames
    .map((contender) => ({ contender, own: turns.filter((turn) => turn.contender === contender) }))
    .filter(({ own }) => own.length > 0)
    .map(({ contender, own }) => {
      const restores = own.map(({ restore }) => restore).filter((restore) => restore !== undefined)
      const backup = mediansOf(own.map((turn) => turn.backup))
      return { contender, runs: own.length, backup, ...(restores.length > 0 && { restore: mediansOf(restores) }) }
    })
}

/** The middle value; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const [lower = Number.NaN, upper = Number.NaN] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]]
  return (lower + upper) / 2
}

function mediansOf(figures: readonly object[]): Medians {
  const walls = figures.map((each) => Number(Reflect.get(each, 'wallMs')))
  const medians = medianOfEach(figures) as Omit<Medians, 'wallSpanMs'>
  return { ...medians, wallSpanMs: [Math.min(...walls), Math.max(...walls)] }
}

/** Of records of numbers, and of records in them. */
function medianOfEach(records: readonly object[]): Record<string, unknown> {
  const names = [...new Set(records.flatMap((record) => Object.keys(record)))]
  return Object.fromEntries(
    names.map((name) => {
      const values: unknown[] = records.map((record) => Reflect.get(record, name)).filter((value) => value !== undefined)
      const inner = values.filter((value): value is object => typeof value === 'object' && value !== null)
      return [name, inner.length > 0 ? medianOfEach(inner) : median(values.map(Number))]
    }),
  )
}
