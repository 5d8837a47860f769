import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { HoldfastError } from '../../domain/errors.js'
import type { Instance } from '../../domain/instance.js'
import { lsnToBytes, parseLsn } from '../../domain/lsn.js'
import type { Manifest } from '../../domain/manifest.js'
import type { Progress } from '../../domain/progress.js'
import { oneRow, withConnection } from './connection.js'
import { instanceAccess } from './instance-access.js'
import { readInstanceInventory } from './instance-files.js'
import { ownerOf, writeOwned } from './owned-files.js'
import { withoutRecovery } from './settings.js'

interface Recovery {
  readonly instance: Instance
  readonly manifest: Manifest
  readonly progress: (progress: Progress) => void
  readonly pollMs: number
}

/**
 * Waits until the server has replayed its WAL and promoted itself; then clears the settings only recovery needs.
 * @returns the timeline it is on now, which is newer than the original's
 * @throws HoldfastError RECOVERY_FAILED with the server's last words
 */
export async function recover(recovery: Recovery, signal: AbortSignal): Promise<number> {
  const { instance, manifest } = recovery
  const { access, address } = instanceAccess(instance, await readInstanceInventory(instance))
  for (;;) {
    signal.throwIfAborted()
    const state = await withConnection(access, { address }, signal, (connection) =>
      oneRow<{ recovering: boolean }>(connection, 'select pg_is_in_recovery() as recovering'),
    ).catch((error: unknown) => refuseOtherThanStarting(error))
    if (state?.recovering === false) break
    const log = await endOfLog(instance)
    if (state === undefined && !(await isAlive(instance))) throw recoveryFailure(instance, 'ended during recovery', log)
    recovery.progress(replayProgress(log, manifest))
    await delay(recovery.pollMs, undefined, { signal })
  }
  await forgetRecovery(instance)
  const timeline = await withConnection(access, { address }, signal, async (connection) => {
    // The control file tells the timeline only after the next checkpoint; the WAL's name tells it at once.
    const row = await oneRow<{ segment: string }>(connection, 'select pg_walfile_name(pg_current_wal_lsn()) as segment')
    return Number.parseInt(row.segment.slice(0, 8), 16)
  })
  // A server made from dumps has never recovered: its timeline is its own from the first.
  if ('dumps' in manifest.facts || timeline > manifest.facts.timeline) return timeline
  throw recoveryFailure(instance, `is on timeline ${timeline}, the original's own`, await endOfLog(instance))
}

/** In the file: ALTER SYSTEM may be forbidden to everybody (`allow_alter_system`). Nothing of it is read while the server runs. */
async function forgetRecovery(instance: Instance): Promise<void> {
  const path = join(instance.dataDirectory, 'postgresql.auto.conf')
  await writeOwned(path, withoutRecovery(await readFile(path, 'utf8')), await ownerOf(instance))
}

/** While it starts, the server is not there or says so (SQLSTATE 57P03). */
function refuseOtherThanStarting(error: unknown): undefined {
  if (error instanceof HoldfastError && error.code === 'SOURCE_UNAVAILABLE') return undefined
  throw error
}

/** From PostgreSQL 15 on the log tells every 10 s how far replay is. */
function replayProgress(log: string, { facts }: Manifest): Progress {
  if ('dumps' in facts) return { step: 'replay', doneBytes: 0 }
  const start = lsnToBytes(facts.startLsn)
  const totalBytes = Number(lsnToBytes(facts.stopLsn) - start)
  const reached = [...log.matchAll(/current LSN: ([0-9A-F]+\/[0-9A-F]+)/g)].at(-1)?.[1]
  const doneBytes = reached === undefined ? 0 : Number(lsnToBytes(parseLsn(reached)) - start)
  return { step: 'replay', doneBytes: Math.max(0, Math.min(totalBytes, doneBytes)), totalBytes }
}

const keptLogBytes = 8 * 1024

async function endOfLog(instance: Instance): Promise<string> {
  const file = await open(instance.logFile, 'r').catch(() => undefined)
  if (file === undefined) return ''
  try {
    const { size } = await file.stat()
    const length = Math.min(size, keptLogBytes)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length)
    return buffer.subarray(0, bytesRead).toString('utf8')
  } finally {
    await file.close()
  }
}

/** A server that ends on its own removes its pid file; one that was killed leaves it, with a process that is gone. */
async function isAlive(instance: Instance): Promise<boolean> {
  const text = await readFile(join(instance.dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  if (!(pid > 0)) return false
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function recoveryFailure(instance: Instance, what: string, log: string): HoldfastError {
  const lines = log.trimEnd().split('\n').slice(-15).join('\n')
  return new HoldfastError('RECOVERY_FAILED', `instance ${instance.name} ${what}:\n${lines}`)
}
