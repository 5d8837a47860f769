import { createHash, randomUUID } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { errnoOf } from './filesystem-errors.js'

/** Of a file that its own process will rename or remove, unless it is killed: `<kind>-<machine>-<pid>-<UUID>`. */
export function temporaryName(kind: '.put' | 'probe'): string {
  return `${kind}-${machineTag()}-${process.pid}-${randomUUID()}`
}

/**
 * Removes what killed processes of this machine left in a directory. Nobody else's is touched: whether a process of another
 * machine, or of a container with pids of its own, still lives cannot be told from here. A pid that is used again only
 * keeps what is left a little longer.
 * @returns whether there was anything
 */
export async function removeDeadTemporaries(directory: string): Promise<boolean> {
  // A directory that cannot be read fails the work itself, with a better message.
  const dead = (await readdir(directory).catch(() => [])).filter(isOfDeadProcess)
  for (const name of dead) await rm(`${directory}/${name}`, { force: true })
  return dead.length > 0
}

function isOfDeadProcess(name: string): boolean {
  const [, machine, pid] = /^(?:\.put|probe)-([0-9a-f]{8})-(\d+)-[0-9a-f-]{36}$/.exec(name) ?? []
  // Looked at last: a directory may hold tens of thousands of names that are no temporaries.
  return machine !== undefined && machine === machineTag() && !isAlive(Number(pid))
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return errnoOf(error) !== 'ESRCH'
  }
}

/** Pids mean the same where the host's name and the pid namespace are the same. */
function machineTag(): string {
  return createHash('sha256').update(`${hostname()} ${pidNamespace()}`).digest('hex').slice(0, 8)
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}
