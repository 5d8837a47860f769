import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HoldfastError } from '../../domain/errors.js'
import type { Instance } from '../../domain/instance.js'
import { compareLsn } from '../../domain/lsn.js'
import type { ReachedPoint } from '../../domain/operations.js'
import type { Recovery } from '../../domain/plan-recovery.js'
import { formatRestoreTarget } from '../../domain/recovery-target.js'
import { parseTimelineHistory } from '../../domain/timeline-history.js'
import { historyFileName } from '../../domain/wal.js'
import { type Connection, oneRow } from './connection.js'
import { lastReplayed } from './replay-progress.js'
import { logSinceStart } from './server-log.js'
import { walDelivery } from './wal-delivery.js'

interface Promoted {
  readonly instance: Instance
  readonly recovery: Recovery
  /** Its own. */
  readonly timeline: number
}

/**
 * Where recovery stopped, and that it may have stopped there. The history file of the new timeline says both, also after a restart: the
 * position, and what made recovery stop. Without a target to stop at, it has to have reached what the archive is proven to hold.
 * @throws HoldfastError RECOVERY_FAILED
 */
export async function reachedPoint({ instance, recovery, timeline }: Promoted, connection: Connection): Promise<ReachedPoint> {
  const text = await readFile(join(instance.dataDirectory, 'pg_wal', historyFileName(timeline)), 'utf8')
  const left = parseTimelineHistory(text, timeline).ancestors.at(-1)
  const failed = (what: string) =>
    new HoldfastError('RECOVERY_FAILED', `instance ${instance.name}: recovery to ${formatRestoreTarget(recovery.target)} ${what}`)
  if (left?.timeline !== recovery.timeline) throw failed(`followed timeline ${left?.timeline}, not ${recovery.timeline}`)
  const { endLsn: lsn, reason } = left
  const ranOut = reason.startsWith('no recovery target specified')
  if (ranOut && compareLsn(lsn, recovery.endLsn) < 0 && !(await wasGivenAll(instance, recovery))) {
    throw failed(`stopped early, at ${lsn}; ${recovery.endLsn} is archived`)
  }
  if (!ranOut && !stops[recovery.target.kind].test(reason)) throw failed(`stopped at ${lsn} for another reason: ${reason}`)
  const { at } = await oneRow<{ at: string | null }>(connection, `select ${lastReplayed} as at`)
  const last = at ?? (await loggedTime(instance))
  return { lsn, ...(last === undefined ? {} : { at: last }) }
}

/** What PostgreSQL writes into the history, by kind of target: `getRecoveryStopReason` in xlogrecovery.c. */
const stops: Readonly<Record<Recovery['target']['kind'], RegExp>> = {
  latest: /^no recovery target specified/,
  backup: /^reached consistency/,
  time: /^(?:before|after) \d{4}-/,
  lsn: /^(?:before|after) LSN /,
  xid: /^(?:before|after) transaction /,
  name: /^at restore point /,
}

/**
 * The server's flushed position may lie within a record, whose end it had not written yet; replay then ends before that record. So
 * having taken the last file counts too: whether that holds as much as was claimed was looked at when it was fetched.
 */
async function wasGivenAll(instance: Instance, { pieces }: Recovery): Promise<boolean> {
  const handed = await readFile(walDelivery(instance).handed, 'utf8').catch(() => '')
  return handed.trim() !== '' && handed.trim() === pieces.at(-1)?.lastSegment
}

/** After a restart the server has forgotten. */
async function loggedTime(instance: Instance): Promise<string | undefined> {
  const pattern = /last completed transaction was at log time (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)\+00/
  const [, date, time] = pattern.exec(await logSinceStart(instance)) ?? []
  return date === undefined ? undefined : `${date}T${time}Z`
}
