import { readFileSync } from 'node:fs'
import { basename } from 'node:path'

/** A living process, as /proc shows it. Read at once and not in turns: a look at a dozen processes takes a millisecond or two. */
export interface ProcessStat {
  readonly pid: number
  readonly program: string
  /** Since the boot: with the pid it names one process for ever. */
  readonly startedAt: string
  readonly cpuSeconds: number
}

/** Undefined for a process that is not there, or dead and not waited for. */
export function readStat(pid: number): ProcessStat | undefined {
  const text = read(`/proc/${pid}/stat`)
  // The name stands in brackets and may hold any character.
  const match = /^\d+ \((.*)\) (\S) (.*)$/s.exec(text)
  const [, program = '', state = '', rest = ''] = match ?? []
  if (match === null || state === 'Z' || state === 'X') return undefined
  const fields = rest.split(' ')
  const ticks = Number(fields[10]) + Number(fields[11])
  return { pid, program, startedAt: fields[18] ?? '', cpuSeconds: ticks / ticksPerSecond }
}

/** Of its main thread, which is the one that starts programs in all that is measured here. */
export function childrenOf(pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number)
}

/** Proportional set size: pages that several processes share count once, divided among them. 0 for one that has ended. */
export function proportionalBytes(pid: number): number {
  const [, kilobytes = '0'] = /^Pss:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`)) ?? []
  return Number(kilobytes) * 1024
}

/** `node main.js`: the program, and what an interpreter runs. */
export function labelOf({ pid, program }: ProcessStat): string {
  const script = read(`/proc/${pid}/cmdline`)
    .split('\0')
    .slice(1)
    .find((argument) => /\.[cm]?[jt]s$/.test(argument))
  return script === undefined ? program : `node ${basename(script)}`
}

/** USER_HZ, which is 100 on every architecture this runs on. */
const ticksPerSecond = 100

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
