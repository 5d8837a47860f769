import { readdir, readFile, readlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestRun } from './test-run.js'

interface Seen {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

/**
 * Processes of the run that live on although the tests are over, as `pid command`. They get `patienceMs` to end by
 * themselves, then they are killed: the next run shall not suffer from this one.
 */
export async function endLeftBehind(run: Pick<TestRun, 'directory'>, patienceMs = 3000): Promise<string[]> {
  const deadline = Date.now() + patienceMs
  let left = await processesOf(run.directory)
  while (left.length > 0 && Date.now() < deadline) {
    await sleep(100)
    left = await processesOf(run.directory)
  }
  for (const { pid } of left) kill(pid)
  return left.map(({ pid, command }) => `${pid} ${command}`)
}

/** A process belongs to the run when its environment, its arguments or its working directory name the run's directory. */
async function processesOf(directory: string): Promise<Seen[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => Number.isInteger(pid) && pid !== process.pid)
  const seen = await Promise.all(pids.map((pid) => look(pid, directory)))
  return seen.filter((entry) => entry !== undefined).filter((entry) => !isTestWorker(entry))
}

async function look(pid: number, directory: string): Promise<Seen | undefined> {
  try {
    const [environment, args, status, cwd] = await Promise.all([
      readFile(`/proc/${pid}/environ`, 'latin1'),
      readFile(`/proc/${pid}/cmdline`, 'latin1'),
      readFile(`/proc/${pid}/status`, 'latin1'),
      readlink(`/proc/${pid}/cwd`),
    ])
    if (![environment, args, cwd].some((text) => text.includes(directory))) return undefined
    const parent = Number(/^PPid:\s*(\d+)/m.exec(status)?.[1])
    return { pid, parent, command: args.replaceAll('\0', ' ').trim() }
  } catch {
    // It ended while we looked, is a zombie, or belongs to someone we may not look at: not ours.
    return undefined
  }
}

/** vitest keeps its own forks until after this check. */
function isTestWorker({ parent, command }: Seen): boolean {
  return parent === process.pid && /vitest/.test(command)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Gone in between.
  }
}
