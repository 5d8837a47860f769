import { setTimeout as delay } from 'node:timers/promises'
import { HoldfastError } from '../../domain/errors.js'
import type { Recovered } from '../../domain/operations.js'
import { serverProcess } from '../../process/server-process.js'
import type { RecoverOutcome, RecoverRequest } from '../engine.js'
import { type Connection, oneRow, withConnection } from './connection.js'
import { instanceAccess } from './instance-access.js'
import { readInstanceInventory } from './instance-files.js'
import { reachedPoint } from './reached-point.js'
import { changeConfiguration, judgeEnd } from './recovery-end.js'
import { askReplay, replayProgress } from './replay-progress.js'
import { lastLines, logSinceStart } from './server-log.js'
import { withoutRecovery, withoutStandby } from './settings.js'

/**
 * Waits until the server has replayed its WAL and promoted itself; makes sure that it reached what was planned, and clears the
 * settings only recovery needs.
 * @throws HoldfastError RECOVERY_FAILED with the server's last words, OUTSIDE_WINDOW, why its WAL could not be delivered
 */
export async function recover(request: RecoverRequest & { pollMs: number }, signal: AbortSignal): Promise<RecoverOutcome> {
  const { instance, pollMs } = request
  const { access, address } = instanceAccess(instance, await readInstanceInventory(instance))
  for (;;) {
    signal.throwIfAborted()
    // The life first: what a server says that has ended meanwhile is still to be read.
    const named = await serverProcess(instance.dataDirectory)
    const alive = named === 'own' || named === 'hidden'
    const replay = await withConnection(access, { address }, signal, askReplay).catch((error: unknown) =>
      refuseOtherThanStarting(error),
    )
    if (replay?.recovering === false) break
    const log = await logSinceStart(instance)
    if (replay === undefined && !alive) return judgeEnd(request, log)
    if (replay?.paused === true) {
      await changeConfiguration(instance, withoutStandby)
      return {
        outcome: 'start-again',
        why: 'the original had more connections or workers later on than at the time of the backup',
      }
    }
    request.progress(replayProgress(request, replay, log))
    await delay(pollMs, undefined, { signal })
  }
  const recovered = await withConnection(access, { address }, signal, (connection) => endOf(request, connection))
  await changeConfiguration(instance, withoutRecovery)
  return { outcome: 'recovered', ...recovered }
}

async function endOf(request: RecoverRequest, connection: Connection): Promise<Recovered> {
  const { instance, manifest, recovery } = request
  // The control file tells the timeline only after the next checkpoint; the WAL's name tells it at once.
  const { segment } = await oneRow<{ segment: string }>(connection, 'select pg_walfile_name(pg_current_wal_lsn()) as segment')
  const timeline = Number.parseInt(segment.slice(0, 8), 16)
  // A server made from dumps has never recovered: its timeline is its own from the first.
  if ('dumps' in manifest.facts) return { timeline }
  const before = Math.max(manifest.facts.timeline, recovery?.timeline ?? 0)
  if (timeline <= before) {
    const log = lastLines(await logSinceStart(instance))
    const message = `instance ${instance.name} is on timeline ${timeline}, the original's own:\n${log}`
    throw new HoldfastError('RECOVERY_FAILED', message)
  }
  if (recovery === undefined) return { timeline }
  return { timeline, reached: await reachedPoint({ instance, recovery, timeline }, connection) }
}

/** While it starts, the server is not there or says so (SQLSTATE 57P03). */
function refuseOtherThanStarting(error: unknown): undefined {
  if (error instanceof HoldfastError && error.code === 'SOURCE_UNAVAILABLE') return undefined
  throw error
}
