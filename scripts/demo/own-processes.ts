import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export interface OwnProcess {
  readonly pid: number
  readonly program: string
  readonly args: readonly string[]
}

/** What a demo and its workers start. An editor or `tail` on one of its files is somebody else's. */
const programs = new Set(['node', 'flock', 'temporal', 'versitygw', 'postgres', 'pg_basebackup', 'pg_receivewal', 'tar', 'zstd'])

/**
 * The demo's processes: one of its programs, with a path below its directory among the arguments. Asked of the system at every
 * look, since a pid written down may be another process by now.
 */
export async function ownProcesses(directory: string): Promise<OwnProcess[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => Number.isInteger(pid) && pid !== process.pid)
  const seen = await Promise.all(pids.map(readCommand))
  return seen
    .filter((one) => one !== undefined)
    .filter(({ program, args }) => programs.has(program) && args.some((arg) => arg.startsWith(`${directory}/`)))
}

/**
 * Ends all of them and waits until they are gone. Servers of PostgreSQL get the signal on which they take their own
 * processes along.
 */
export async function endOwnProcesses(directory: string): Promise<readonly OwnProcess[]> {
  const found = await ownProcesses(directory)
  // The worker first, and again at every look: it could be starting a job at this very moment.
  for (let left = found; left.length > 0; left = await ownProcesses(directory)) {
    for (const { pid, program } of left) signal(pid, program === 'postgres' ? 'SIGQUIT' : 'SIGKILL')
    await sleep(50)
  }
  return found
}

/** SIGKILL; resolves when there is no such process any more. */
export async function killHard(...pids: readonly number[]): Promise<void> {
  for (const pid of pids) signal(pid, 'SIGKILL')
  while ((await Promise.all(pids.map(isAlive))).includes(true)) await sleep(20)
}

/** A process that has ended and is not yet reaped is not alive. */
export async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  return status !== '' && !/\) [ZX] /.test(status)
}

async function readCommand(pid: number): Promise<OwnProcess | undefined> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  const [first = '', ...args] = text.split('\0')
  return first === '' ? undefined : { pid, program: basename(first), args }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It ended in between.
  }
}
