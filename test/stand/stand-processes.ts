import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

export interface SeenProcess {
  readonly pid: number
  readonly args: readonly string[]
}

/** Processes one of whose arguments is exactly this. */
export async function processesWithArgument(argument: string): Promise<SeenProcess[]> {
  return (await allProcesses()).filter(({ args }) => args.includes(argument))
}

/** Processes whose arguments name a path below this directory. */
export async function processesNaming(directory: string): Promise<SeenProcess[]> {
  return (await allProcesses()).filter(({ args }) => args.some((text) => text.includes(directory)))
}

/** SIGKILL. Resolves when the process is gone; one that is gone already is no failure. */
export async function killForGood(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGKILL')
    while ((await argumentsOf(pid)).length > 0) await sleep(10)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

async function allProcesses(): Promise<SeenProcess[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => Number.isInteger(pid) && pid !== process.pid)
  const seen = await Promise.all(pids.map(async (pid) => ({ pid, args: await argumentsOf(pid) })))
  return seen.filter(({ args }) => args.length > 0)
}

/** None for what is gone, a zombie, or the kernel's own. */
async function argumentsOf(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return text.split('\0').slice(0, -1)
}
