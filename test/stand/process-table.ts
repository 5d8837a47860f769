import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

export interface SeenProcess {
  readonly pid: number
  readonly args: readonly string[]
}

/* Asked again and again by what waits for its moment: a file of /proc is read at once in a tenth of the processor time that a promise for it takes. */

/** Processes whose arguments, environment or working directory name a directory. The dead that nobody has waited for do not count. */
export function processesNaming(directory: string): SeenProcess[] {
  return otherPids().flatMap((pid) => lookFor(pid, directory) ?? [])
}

/** Processes one of whose arguments is this one. Cheaper than {@link processesNaming}. */
export function processesWithArgument(argument: string): SeenProcess[] {
  return otherPids()
    .map((pid) => ({ pid, args: argumentsOf(pid) }))
    .filter(({ args }) => args.includes(argument))
}

/** SIGKILL; resolves when it is gone, its sockets and locks too. One that is gone already is success. */
export async function killForGood(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return
    throw error
  }
  while (isAlive(pid)) await sleep(5)
}

/** A process that ends loses its arguments first, then its files; what waits for its parent has neither. */
function isAlive(pid: number): boolean {
  const stat = textOf(`/proc/${pid}/stat`)
  const state = stat.slice(stat.lastIndexOf(')') + 2)[0]
  return state !== undefined && !'ZX'.includes(state)
}

function otherPids(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid)
}

function lookFor(pid: number, directory: string): SeenProcess | undefined {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1')
    const cwd = readlinkSync(`/proc/${pid}/cwd`)
    const args = argumentsOf(pid)
    const names = [environment, cwd, ...args].some((text) => text.includes(directory))
    return names && args.length > 0 ? { pid, args } : undefined
  } catch {
    // It ended while we looked, or belongs to someone we may not look at: not ours.
    return undefined
  }
}

/** None for a process that is not there, or dead. */
function argumentsOf(pid: number): readonly string[] {
  return textOf(`/proc/${pid}/cmdline`)
    .split('\0')
    .filter((argument) => argument !== '')
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
