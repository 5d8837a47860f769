import { dirname } from 'node:path'
import { HoldfastError } from '../domain/errors.js'
import { runProgram } from '../process/run-program.js'
import type { ServerUser } from './server-user.js'

/**
 * Servers run as another user than we do: asks the operating system, as that user, whether the directory can be entered at all.
 * Without this a restore fails in the middle, with a broken pipe of whatever was to write there.
 * @throws HoldfastError CONFIG_INVALID naming the directory that is closed
 */
export async function refuseUnreachable(directory: string, user: ServerUser): Promise<void> {
  if (user.runAs === undefined || (await canEnter(directory, user))) return
  for (const path of ancestors(directory)) {
    if (await canEnter(path, user)) continue
    throw new HoldfastError('CONFIG_INVALID', `user ${user.name}, whom restored servers run as, cannot enter ${path}`, {
      hint: `chmod o+x ${path}, or set instances.directory to another place`,
      details: { directory: path, user: user.name },
    })
  }
}

async function canEnter(path: string, { runAs }: ServerUser): Promise<boolean> {
  try {
    await runProgram({ program: 'test', args: ['-x', path], cwd: '/', ...(runAs === undefined ? {} : { runAs }) }, {})
    return true
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'PROCESS_FAILED' && error.details.exitCode === 1) return false
    throw error
  }
}

/** From the top down to the directory itself. */
function ancestors(directory: string): string[] {
  const parent = dirname(directory)
  return parent === directory ? [directory] : [...ancestors(parent), directory]
}
