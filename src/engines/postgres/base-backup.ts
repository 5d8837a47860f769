import type { Artifact } from '../../domain/manifest.js'
import { startProgram } from '../../process/start-program.js'
import type { CaptureSink } from '../engine.js'
import { applicationName, type BaseBackupPlan, baseBackupCommand } from './base-backup-command.js'
import { baseBackupFailure } from './base-backup-failure.js'
import { createProgressReader } from './capture-progress.js'
import type { Connection } from './connection.js'
import type { PostgresEngineOptions } from './options.js'
import { storeArchives } from './staging.js'

interface BaseBackup<T> {
  readonly options: PostgresEngineOptions
  readonly plan: BaseBackupPlan
  /** For questions about progress. */
  readonly connection: Connection
  readonly sink: CaptureSink
  /** Called at the moment pg_basebackup has ended well, while the rest of its archives is still being stored. */
  readonly whenComplete: () => Promise<T>
}

/**
 * Runs pg_basebackup and stores its archives while they grow. Whatever fails first, the program or the storing of an archive,
 * ends the other, and is what is thrown.
 */
export async function takeBaseBackup<T>(
  { options, plan, connection, sink, whenComplete }: BaseBackup<T>,
  signal: AbortSignal,
): Promise<{ readonly archives: Artifact[]; readonly completed: T }> {
  const failing = new AbortController()
  const either = AbortSignal.any([signal, failing.signal])
  const running = startProgram(baseBackupCommand(options, plan), { signal: either, stdin: 'ignore', stdout: 'ignore' })
  let state: 'running' | 'complete' = 'running'
  const ended = running.finished.then(
    () => {
      state = 'complete'
    },
    (error: unknown) => failing.abort(either.aborted ? either.reason : baseBackupFailure(running.stderrTail(), error)),
  )
  const completed = running.finished.then(whenComplete)
  completed.catch(() => undefined)
  const readProgress = createProgressReader(connection, applicationName(plan.label), plan.stagingDirectory)
  try {
    const archives = await storeArchives({
      directory: plan.stagingDirectory,
      sink,
      pollMs: options.pollMs,
      signal: either,
      isComplete: () => state === 'complete',
      onRound: async (item) =>
        sink.progress({ step: 'capture', ...(await readProgress()), ...(item === undefined ? {} : { item }) }),
      onFailure: (error) => failing.abort(error),
    })
    return { archives, completed: await completed }
  } catch (error) {
    failing.abort(error)
    throw either.reason
  } finally {
    // Its files are removed by whoever owns the scratch directory; it must not write there any more.
    await ended
    await completed.catch(() => undefined)
  }
}
