import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { HoldfastError } from '../domain/errors.js'
import type { Instance } from '../domain/instance.js'
import type { Command, SystemUser } from '../process/command.js'
import { runProgram } from '../process/run-program.js'
import { isServerRunning, makeWayForServer } from '../process/server-process.js'

/** How long pg_ctl itself waits; a longer recovery goes on without it. A busy machine may take seconds to write the pid file. */
const startWaitSeconds = 20
const stopWaitSeconds = 60

/**
 * Starts the server so that it outlives us, and returns when it is up, be it still recovering.
 * @throws HoldfastError RECOVERY_FAILED with the last lines of the server's log
 */
export async function startServer(instance: Instance, user: SystemUser | undefined, signal: AbortSignal): Promise<void> {
  if (await makeWayForServer(instance, user, signal)) return
  const args = ['start', '-D', instance.dataDirectory, '-l', instance.logFile, '-w', '-t', String(startWaitSeconds), '-s']
  try {
    // pg_ctl notices a server that dies at once. Its own patience ending is no failure: recovery may take hours.
    await runProgram(pgCtl(instance, user, args), { signal })
  } catch (error) {
    signal.throwIfAborted()
    if (await isServerRunning(instance.dataDirectory)) return
    const lines = await lastLines(instance.logFile, 15)
    throw new HoldfastError('RECOVERY_FAILED', `instance ${instance.name} did not start:\n${lines}`, { cause: error })
  }
}

/** Stops the server: politely at first, then at once. */
export async function stopServer(instance: Instance, user: SystemUser | undefined, signal: AbortSignal): Promise<void> {
  for (const mode of ['fast', 'immediate']) {
    if (!(await isServerRunning(instance.dataDirectory))) return
    const args = ['stop', '-D', instance.dataDirectory, '-m', mode, '-w', '-t', String(stopWaitSeconds), '-s']
    try {
      await runProgram(pgCtl(instance, user, args), { signal })
    } catch (error) {
      signal.throwIfAborted()
      if (mode === 'immediate' && (await isServerRunning(instance.dataDirectory))) throw error
    }
  }
}

/** The end of a log, for messages. Reads 16 KiB at most. */
async function lastLines(path: string, count: number): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined)
  if (file === undefined) return '(the server wrote no log)'
  try {
    const { size } = await file.stat()
    const length = Math.min(size, 16 * 1024)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length)
    return buffer.subarray(0, bytesRead).toString('utf8').trimEnd().split('\n').slice(-count).join('\n')
  } finally {
    await file.close()
  }
}

function pgCtl(instance: Instance, user: SystemUser | undefined, args: readonly string[]): Command {
  return {
    program: join(instance.binDirectory, 'pg_ctl'),
    args,
    // A working directory the server's user can enter: ours may be closed to it.
    cwd: '/',
    ...(user === undefined ? {} : { runAs: user }),
  }
}
