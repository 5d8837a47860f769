import { access, type FileHandle, open } from 'node:fs/promises'
import { HoldfastError } from '../domain/errors.js'
import { runProgram } from '../process/run-program.js'
import { hasCode, type JobDirectory } from './job-directory.js'

/** util-linux `flock`'s exit status for "somebody else holds it", chosen so that no program's own failure looks like it. */
const heldStatus = 75

/** A look at a job's life holds the lock for some milliseconds; a start that meets one waits this long for it. */
const lookSeconds = 2

/**
 * Arguments of `flock` that run a program for as long as the lock is held: without a fork, so that the lock
 * lives exactly as long as the job's own process, whatever ends it. A second start ends without running anything, unless the
 * first ends while it waits: the job itself then sees that its work has begun or ended before.
 */
export function lockedCommand(directory: JobDirectory, program: readonly string[]): string[] {
  const waiting = ['--timeout', String(lookSeconds), '--conflict-exit-code', String(heldStatus)]
  return [...waiting, '--no-fork', directory.lock, ...program]
}

/**
 * `ahead`: it has not begun. `running`: its process lives. `over`: it began once, and its process is gone.
 * What makes the difference is the lock, since pids are used again, and the socket, which is bound before anything is done: a
 * process that died before that has not begun. A job that ended by itself has a result, and may be either.
 */
export async function lifeOf(directory: JobDirectory): Promise<'ahead' | 'running' | 'over'> {
  // In this order: whoever bound the socket held the lock from before until its end.
  const begun = await hasBegun(directory)
  if (await isLocked(directory)) return 'running'
  return begun ? 'over' : 'ahead'
}

/** Of a job that has not ended by itself: whether it, or one before it, came as far as to do anything. */
export function hasBegun(directory: JobDirectory): Promise<boolean> {
  return exists(directory.socket)
}

/**
 * Shared, so that two who look do not take each other for the job. `flock` would make a file that is not there, in a directory
 * that somebody may be removing: it is given one that is open, by a name that leads to that one alone.
 */
async function isLocked(directory: JobDirectory): Promise<boolean> {
  const lock = await openIfThere(directory.lock)
  if (lock === undefined) return false
  const looking = ['--shared', '--nonblock', '--conflict-exit-code', String(heldStatus), '--no-fork']
  try {
    await runProgram({ program: 'flock', args: [...looking, `/proc/${process.pid}/fd/${lock.fd}`, 'true'] }, {})
    return false
  } catch (error) {
    if (error instanceof HoldfastError && error.details.exitCode === heldStatus) return true
    throw error
  } finally {
    await lock.close()
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
