import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { HoldfastError } from '../../../domain/errors.js'
import type { Instance } from '../../../domain/instance.js'
import type { SystemUser } from '../../../process/command.js'
import { runProgram } from '../../../process/run-program.js'
import { endLeftProcesses, isServerRunning, makeWayForServer } from '../../../process/server-process.js'
import { type RunningProgram, startProgram } from '../../../process/start-program.js'
import { oneRow, withConnection } from '../connection.js'
import { instanceAccess } from '../instance-access.js'
import type { Inventory } from '../inventory.js'

interface PrivateServer {
  readonly instance: Instance
  readonly inventory: Inventory
  readonly owner: SystemUser
}

/**
 * Runs the instance's server for as long as `work` takes, for us alone: reached by its socket only, and gone when this process is.
 * After good work it is stopped cleanly, with everything on disk; after a failure it is killed, as what it holds is of no use.
 * @throws HoldfastError RECOVERY_FAILED with the server's last words; what `work` throws
 */
export async function withPrivateServer(server: PrivateServer, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  const failing = new AbortController()
  const either = AbortSignal.any([signal, failing.signal])
  const running = startProgram(serverCommand(server), { signal: either, stdin: 'ignore', stdout: 'ignore' })
  try {
    await untilItAnswers(server, running, either)
    await work()
    await stop(server, signal)
    await running.finished
    await syncFiles(server, signal)
  } catch (error) {
    failing.abort(error)
    await running.finished.catch(() => undefined)
    signal.throwIfAborted()
    throw error
  }
}

/**
 * The private server of a job that was killed ends with it, but not in the same moment, and would be in the way of the next one. So
 * would its processes, which are not told and may be hours from the end of an index; what they do is of no use any more.
 * @throws HoldfastError JOB_LOST, LOCAL_IO, to be tried again
 */
export async function untilEarlierServerEnded(instance: Instance, owner: SystemUser, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + earlierServerMs
  while (await isServerRunning(instance.dataDirectory)) {
    if (Date.now() > deadline) {
      const message = `the server that an earlier attempt started for instance ${instance.name} is still running`
      throw new HoldfastError('JOB_LOST', message)
    }
    await delay(pollMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
  await endLeftProcesses(instance, owner, signal)
  await makeWayForServer(instance, owner, signal)
}

const earlierServerMs = 30_000

/** Nothing has to survive a crash before the end: everything would begin again. */
function serverCommand({ instance, owner }: PrivateServer) {
  const unsafe = ['fsync=off', 'full_page_writes=off', 'synchronous_commit=off']
  const settings = ['listen_addresses=', ...unsafe, 'log_min_messages=error', 'log_min_error_statement=panic']
  return {
    program: join(instance.binDirectory, 'postgres'),
    args: ['-D', instance.dataDirectory, ...settings.flatMap((setting) => ['-c', setting])],
    cwd: '/',
    runAs: owner,
  }
}

const pollMs = 50

async function untilItAnswers(
  { instance, inventory }: PrivateServer,
  running: RunningProgram,
  signal: AbortSignal,
): Promise<void> {
  const { access, address } = instanceAccess(instance, inventory)
  const ended = new AbortController()
  running.finished.catch(() => undefined).finally(() => ended.abort())
  for (;;) {
    const answer = await withConnection({ ...access, database: 'template1' }, { address }, signal, (connection) =>
      oneRow(connection, 'select 1'),
    ).catch(() => undefined)
    signal.throwIfAborted()
    if (answer !== undefined) return
    if (ended.signal.aborted)
      throw new HoldfastError('RECOVERY_FAILED', `instance ${instance.name} did not start:\n${running.stderrTail()}`)
    await delay(pollMs, undefined, { signal })
  }
}

/** As long as it takes to write everything out; a server that hangs is cut off by the time the whole restore is given. */
const stopSeconds = 86_400

async function stop({ instance, owner }: PrivateServer, signal: AbortSignal): Promise<void> {
  const args = ['stop', '-D', instance.dataDirectory, '-m', 'fast', '-w', '-t', String(stopSeconds), '-s']
  await runProgram({ program: join(instance.binDirectory, 'pg_ctl'), args, cwd: '/', runAs: owner }, { signal })
}

async function syncFiles({ instance, owner }: PrivateServer, signal: AbortSignal): Promise<void> {
  const args = ['--sync-only', '--pgdata', instance.dataDirectory]
  await runProgram({ program: join(instance.binDirectory, 'initdb'), args, cwd: '/', runAs: owner }, { signal })
}
