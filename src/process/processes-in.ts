import { readdirSync, readFileSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { SystemUser } from './command.js'
import { currentUser } from './users.js'

/**
 * Ids of a user's processes that work in a directory: it is their current one itself, not one below. Told by device and inode, for a
 * process of another container may have the same name for another directory. Somebody who looks around in there from a terminal does
 * not count: no server has one. Linux alone can tell; elsewhere there are none.
 * @param user ourselves where left out
 */
export function processesIn(directory: string, user: SystemUser | undefined): number[] {
  if (process.platform !== 'linux') return []
  const { uid } = user ?? currentUser()
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => pid !== process.pid && worksIn(pid, directory, uid))
}

/**
 * @param meanwhile told of those that are there, each time that is looked at
 * @returns whether the last of them ended within half a minute
 */
export async function processesInEnded(
  directory: string,
  user: SystemUser | undefined,
  signal: AbortSignal,
  meanwhile: (pids: readonly number[]) => void = () => undefined,
): Promise<boolean> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const pids = processesIn(directory, user)
    if (pids.length === 0) return true
    if (Date.now() > deadline) return false
    meanwhile(pids)
    await delay(pollMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

/** SIGKILL, also to what they start meanwhile. @returns whether none is left: what waits for a disk ends when that answers */
export async function endProcessesIn(directory: string, user: SystemUser | undefined, signal: AbortSignal): Promise<boolean> {
  const { uid } = user ?? currentUser()
  return processesInEnded(directory, user, signal, (pids) => {
    // Looked at again: process ids are used again, and between this look and the signal there is nothing to wait for.
    for (const pid of pids) if (worksIn(pid, directory, uid)) killNow(pid)
  })
}

const patienceMs = 30_000
const pollMs = 50

function worksIn(pid: number, directory: string, uid: number): boolean {
  try {
    if (statSync(`/proc/${pid}`).uid !== uid) return false
    const [theirs, ours] = [statSync(`/proc/${pid}/cwd`, { bigint: true }), statSync(directory, { bigint: true })]
    return theirs.ino === ours.ino && theirs.dev === ours.dev && !hasTerminal(pid)
  } catch {
    // It has ended, or is somebody's who does not tell us; or there is no such directory.
    return false
  }
}

/** The seventh field (proc_pid_stat(5)); the second may hold anything, parentheses and spaces too. */
function hasTerminal(pid: number): boolean {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[4] !== '0'
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
