import { readFile, readlink, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { HoldfastError } from '../domain/errors.js'
import type { Instance } from '../domain/instance.js'
import type { SystemUser } from './command.js'
import { endProcessesIn, processesInEnded } from './processes-in.js'

type Named = 'own' | 'foreign' | 'hidden' | 'dead' | 'gone'

/**
 * Whose process does `postmaster.pid` name? Process ids are used again, after a reboot at the latest: it is the server's own only if it works
 * in the data directory, which is where PostgreSQL's main process always is.
 * @returns `gone` also where there is no such file; `hidden`: something has the id, and nobody tells us where it works; `dead`: it has
 *   ended, and its parent has not taken notice yet, so that PostgreSQL takes it for alive
 */
export async function serverProcess(dataDirectory: string): Promise<Named> {
  const text = await readFile(pidFile(dataDirectory), 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  if (!(pid > 0) || !canSignal(pid)) return 'gone'
  if (process.platform !== 'linux') return 'own'
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(dataDirectory)) ? 'own' : 'foreign'
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'dead'
    return 'hidden'
  }
}

export async function isServerRunning(dataDirectory: string): Promise<boolean> {
  return (await serverProcess(dataDirectory)) === 'own'
}

/**
 * A server that has ended is waited for until PostgreSQL can see it, too. In a container whose first process takes no notice of the
 * dead it never will: then, and where somebody else has its process id now, its lock files are removed. Processes that a killed server
 * left are waited for, half a minute: one at work looks for the main process only when it is done. While such a one lives no lock file
 * is removed, and PostgreSQL refuses to start in its own words.
 * @param user whom the server runs as; ourselves where left out
 * @returns whether it runs after all
 */
export async function makeWayForServer(instance: Instance, user: SystemUser | undefined, signal: AbortSignal): Promise<boolean> {
  const deadline = Date.now() + buriedMs
  let named = await serverProcess(instance.dataDirectory)
  while (named === 'dead' && Date.now() < deadline) {
    await delay(50, undefined, { signal }).catch(() => signal.throwIfAborted())
    named = await serverProcess(instance.dataDirectory)
  }
  if (named === 'own') return true
  const allEnded = await processesInEnded(instance.dataDirectory, user, signal)
  // Where nobody tells whose the process is, PostgreSQL knows better.
  if (allEnded && (named === 'foreign' || named === 'dead')) {
    const socketLock = join(instance.socketDirectory, `.s.PGSQL.${instance.port}.lock`)
    for (const lock of [pidFile(instance.dataDirectory), socketLock]) await rm(lock, { force: true })
  }
  return false
}

/**
 * Kills what a server that has ended left in its data directory: its processes have sessions of their own, so that nobody else ends
 * them, and they would go on in files that are being removed. Only where these are to be removed.
 * @param user as above
 * @throws HoldfastError LOCAL_IO, to be tried again, where they do not end
 */
export async function endLeftProcesses(instance: Instance, user: SystemUser | undefined, signal: AbortSignal): Promise<void> {
  if (await endProcessesIn(instance.dataDirectory, user, signal)) return
  throw new HoldfastError('LOCAL_IO', `processes that work in ${instance.dataDirectory} do not end, although they were killed`, {
    hint: 'see whether its disk answers: a process that waits for one ends only then',
  })
}

const buriedMs = 10_000

export function pidFile(dataDirectory: string): string {
  return join(dataDirectory, 'postmaster.pid')
}

function canSignal(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
