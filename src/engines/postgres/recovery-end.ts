import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HoldfastError } from '../../domain/errors.js'
import type { Instance } from '../../domain/instance.js'
import type { Recovery } from '../../domain/plan-recovery.js'
import { formatRestoreTarget } from '../../domain/recovery-target.js'
import { pidFile } from '../../process/server-process.js'
import type { RecoverOutcome, RecoverRequest } from '../engine.js'
import { ownerOf, writeOwned } from './owned-files.js'
import { lastLines } from './server-log.js'
import { withoutStandby, withoutTarget } from './settings.js'
import { refuseUndelivered } from './wal-delivery.js'

/**
 * Why did a server end that was recovering, and what is to be done?
 *
 * "Recovery ended before configured recovery target was reached": it replayed all WAL there is and found nothing at or after the target
 * to stop at. For a time and a position the archive was proven to reach the target, so the state at the target is that of the end of the
 * archive: recovery is asked for without a target, which its promotion then ends. A transaction or a name is simply not there.
 * @param log what it said since its start
 * @throws HoldfastError RECOVERY_FAILED, OUTSIDE_WINDOW, why its WAL could not be delivered
 */
export async function judgeEnd({ instance, manifest, recovery }: RecoverRequest, log: string): Promise<RecoverOutcome> {
  if (recovery !== undefined) await refuseUndelivered(instance)
  if (recovery !== undefined && log.includes('recovery ended before configured recovery target was reached')) {
    const { kind } = recovery.target
    if (kind === 'xid' || kind === 'name') throw notThere(recovery, manifest.backup)
    await changeConfiguration(instance, withoutTarget)
    return { outcome: 'start-again', why: 'nothing was committed after the target' }
  }
  if (log.includes('because of insufficient parameter settings')) {
    await changeConfiguration(instance, withoutStandby)
    return { outcome: 'start-again', why: 'the original had more connections or workers later on than at the time of the backup' }
  }
  // One that ends on its own removes its pid file; of one that was killed, or one of whose processes was, nobody did.
  if ((await exists(pidFile(instance.dataDirectory))) || log.includes('was terminated by signal 9')) {
    return { outcome: 'start-again', why: 'the server was killed' }
  }
  throw new HoldfastError('RECOVERY_FAILED', `instance ${instance.name} ended during recovery:\n${lastLines(log)}`)
}

/** In the file: ALTER SYSTEM may be forbidden to everybody (`allow_alter_system`). Nothing of it is read while the server runs. */
export async function changeConfiguration(instance: Instance, change: (autoConfiguration: string) => string): Promise<void> {
  const path = join(instance.dataDirectory, 'postgresql.auto.conf')
  await writeOwned(path, change(await readFile(path, 'utf8')), await ownerOf(instance))
}

function notThere({ target, endAt, endLsn }: Recovery, backup: string): HoldfastError {
  const message = `${formatRestoreTarget(target)} is not between the end of ${backup} and ${endLsn}, archived at ${endAt}`
  return new HoldfastError('OUTSIDE_WINDOW', message, { hint: 'where it lies before that backup, name an older one with --base' })
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
