import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type FileHandle, open } from 'node:fs/promises'
import { HoldfastError } from '../domain/errors.js'
import type { Command } from './command.js'
import type { EnvironmentMode } from './environment.js'
import { invocationOf } from './invocation.js'

export interface DetachedOptions {
  /** Standard output and error are appended to it. Created, or brought back, to mode 0600: it may quote configuration. */
  readonly logFile: string
  /** `inherit` unless told: jobs resolve the secrets that the configuration names by variable. */
  readonly environment?: EnvironmentMode
}

/**
 * Starts a program that lives on without us: own session, nothing of ours kept open, not waited for at our exit.
 * Resolves when it has been started; whether it works is for others to find out.
 * @throws HoldfastError TOOL_MISSING, CONFIG_INVALID, LOCAL_IO (the log file, or the system cannot start it)
 */
export async function startDetached(command: Command, options: DetachedOptions): Promise<{ pid: number }> {
  const invocation = invocationOf(command, { lifetime: 'free', environment: options.environment ?? 'inherit' })
  const log = await openLog(options.logFile)
  try {
    // Not execa: it takes no file descriptors, and would hold pipes of ours between the program and its log.
    const child = spawn(invocation.file, invocation.args, {
      cwd: invocation.cwd,
      env: invocation.env,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    })
    await once(child, 'spawn')
    child.unref()
    if (child.pid !== undefined) return { pid: child.pid }
    throw new Error('it was started without a process id')
  } catch (cause) {
    throw new HoldfastError('LOCAL_IO', `the system cannot start ${command.program}`, {
      cause,
      hint: `check that the directory ${invocation.cwd} exists and that the limits on processes and open files leave room`,
      details: { program: command.program },
    })
  } finally {
    await log.close()
  }
}

async function openLog(file: string): Promise<FileHandle> {
  try {
    const log = await open(file, 'a', 0o600)
    await log.chmod(0o600)
    return log
  } catch (cause) {
    throw new HoldfastError('LOCAL_IO', `cannot open the log file ${file}`, { cause, details: { file } })
  }
}
