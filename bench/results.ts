import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Flatness } from './flatness.js'
import type { Goal } from './goals.js'
import type { Machine } from './machine.js'
import type { Replay } from './replay.js'
import type { Turn } from './series.js'
import type { Summary } from './summary.js'

/** All of a run; the tables are made from it. */
export interface Results {
  readonly startedAt: string
  readonly endedAt: string
  readonly scale: number
  readonly runs: number
  readonly dataBytes: number
  readonly machine: Machine
  /** Versions of the other tools; why one is missing. */
  readonly tools: Readonly<Record<string, string>>
  readonly turns: readonly Turn[]
  readonly summaries: readonly Summary[]
  readonly flatness: readonly Flatness[]
  readonly replay: Replay
  readonly goals: readonly Goal[]
}

/** @returns the path of the file */
export async function saveResults(results: Results): Promise<string> {
  const directory = join('.run', 'bench')
  await mkdir(directory, { recursive: true })
  const file = join(directory, `${results.startedAt.replaceAll(':', '-').slice(0, 19)}.json`)
  await writeFile(file, `${JSON.stringify(results, undefined, 2)}\n`)
  return file
}
