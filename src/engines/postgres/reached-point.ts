import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HoldfastError } from '../../domain/errors.js'
import type { Instance } from '../../domain/instance.js'
import { compareLsn, type Lsn } from '../../domain/lsn.js'
import type { ReachedPoint } from '../../domain/operations.js'
import type { Recovery } from '../../domain/plan-recovery.js'
import { formatRestoreTarget } from '../../domain/recovery-target.js'
import { parseTimelineHistory } from '../../domain/timeline-history.js'
import { historyFileName, parseSegmentName, segmentStart } from '../../domain/wal.js'
import { type Connection, oneRow } from './connection.js'
import { lastReplayed } from './replay-progress.js'
import { logSinceStart } from './server-log.js'
import { walDelivery } from './wal-delivery.js'
import { wholeRecordsEnd } from './whole-records.js'

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
  if (ranOut && compareLsn(lsn, recovery.endLsn) < 0 && compareLsn(lsn, await leastEnd(instance, recovery)) < 0) {
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
 * The archive may end within a record, which is then not replayed. In every other file than the last one all records go on to their end.
 */
async function leastEnd(instance: Instance, { pieces, segmentSizeBytes, endLsn }: Recovery): Promise<Lsn> {
  const file = pieces.at(-1)?.lastSegment
  if (file === undefined) return endLsn
  const startLsn = segmentStart(parseSegmentName(file, segmentSizeBytes).number, segmentSizeBytes)
  if (compareLsn(endLsn, startLsn) <= 0) return endLsn
  const last = await open(walDelivery(instance).last).catch(() => undefined)
  // Recovery ended before it was even fetched.
  if (last === undefined) return endLsn
  return wholeRecordsEnd(last, { startLsn, segmentSizeBytes }, endLsn).finally(() => last.close())
}

/** After a restart the server has forgotten. */
async function loggedTime(instance: Instance): Promise<string | undefined> {
  const pattern = /last completed transaction was at log time (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)\+00/
  const [, date, time] = pattern.exec(await logSinceStart(instance)) ?? []
  return date === undefined ? undefined : `${date}T${time}Z`
}
