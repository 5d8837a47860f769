import { readdir, readFile, readlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

export interface SeenProcess {
  readonly pid: number
  readonly args: readonly string[]
}

/** Processes whose arguments, environment or working directory name a directory. The dead that nobody has waited for do not count. */
export async function processesNaming(directory: string): Promise<SeenProcess[]> {
  const seen = await Promise.all((await otherPids()).map((pid) => lookFor(pid, directory)))
  return seen.filter((entry) => entry !== undefined)
}

/** Processes one of whose arguments is this one. Cheaper than {@link processesNaming}. */
export async function processesWithArgument(argument: string): Promise<SeenProcess[]> {
  const seen = await Promise.all((await otherPids()).map(async (pid) => ({ pid, args: await argumentsOf(pid) })))
  return seen.filter(({ args }) => args.includes(argument))
}

/** SIGKILL; resolves when it is gone, its sockets and locks too. One that is gone already is success. */
export async function killForGood(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return
    throw error
  }
  while (await isAlive(pid)) await sleep(5)
}

/** A process that ends loses its arguments first, then its files; what waits for its parent has neither. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  const state = stat.slice(stat.lastIndexOf(')') + 2)[0]
  return state !== undefined && !'ZX'.includes(state)
}

async function otherPids(): Promise<number[]> {
  return (await readdir('/proc')).map(Number).filter((pid) => Number.isInteger(pid) && pid !== process.pid)
}

async function lookFor(pid: number, directory: string): Promise<SeenProcess | undefined> {
  try {
    const [environment, cwd] = await Promise.all([readFile(`/proc/${pid}/environ`, 'latin1'), readlink(`/proc/${pid}/cwd`)])
    const args = await argumentsOf(pid)
    const names = [environment, cwd, ...args].some((text) => text.includes(directory))
    return names && args.length > 0 ? { pid, args } : undefined
  } catch {
    // It ended while we looked, or belongs to someone we may not look at: not ours.
    return undefined
  }
}

/** None for a process that is not there, or dead. */
async function argumentsOf(pid: number): Promise<readonly string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return text.split('\0').filter((argument) => argument !== '')
}
