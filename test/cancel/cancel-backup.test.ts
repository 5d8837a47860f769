import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { BackupReport } from '../../src/domain/operations.js'
import { expectWholeOrNothing } from '../stand/backup-outcome.js'
import { awaitJob } from '../stand/job-processes.js'
import { connectOperations, type Operation, type Operations } from '../stand/operations.js'
import { remainsOf } from '../stand/remains.js'
import { type Stand, startStand } from '../stand/stand.js'
import { trials } from '../stand/trials.js'
import type { WorkerProcess } from '../stand/worker-process.js'

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const systems = ['shop', 'shop2']

/** A backup takes about this long on an idle machine. */
const backupMs = 5000

describe('cancellation of a backup', () => {
  let stand: Stand
  let operations: Operations
  let worker: WorkerProcess
  let before: readonly string[]

  beforeAll(async () => {
    stand = await startStand({ systems, maxRate: '12MB/s', timeouts: { heartbeat: '2s' } })
    await stand.postgres.fillSample(20_000)
    worker = await stand.startWorker()
    operations = await connectOperations(stand.temporal.address)
    stand.proxy.limitRate(6 * 1024 * 1024)
  })

  beforeEach(async () => {
    before = await remainsOf(stand)
  })

  afterAll(async () => {
    await operations?.close()
    await worker?.stop()
    await stand?.close()
  })

  test.each(['check', 'capture', 'replicate primary'])('while "%s" runs leaves nothing', async (step) => {
    const backup = await operations.backup()
    expect(await backup.reaches(step, 'running')).toBe(true)
    await backup.handle.cancel()
    expect(await backup.ending).toMatchObject({ outcome: 'failed', code: 'STOPPED' })
    await expectWholeOrNothing(stand, before, [await backup.ending])
  })

  test('stops the capture while another repository is away, and leaves nothing there once it is back', async () => {
    const backup = await operations.backup()
    const capture = await awaitJob(stand.stateDirectory, { kind: 'capture', system: 'shop' })
    await stand.proxy.pause()
    await backup.handle.cancel()
    // Half of what all tries of the removal take. The job may end by itself; its directory goes with what it captured.
    await vi.waitUntil(() => !existsSync(capture.directory), { timeout: 75_000, interval: 50 })
    await stand.proxy.resume()
    expect(await backup.ending).toMatchObject({ outcome: 'failed', code: 'STOPPED' })
    await expectWholeOrNothing(stand, before, [await backup.ending])
  })

  test('before it has its lease leaves nothing', async () => {
    const backup = await operations.backup()
    await backup.handle.cancel()
    expect(await backup.ending).toMatchObject({ outcome: 'failed', code: 'STOPPED' })
    await expectWholeOrNothing(stand, before, [await backup.ending])
  })

  test('while a part is on its way leaves no upload', async () => {
    const held = stand.proxy.hold(({ operation }) => operation === 'PutPart' || operation === 'Put')
    const backup = await operations.backup()
    const part = await held
    await backup.handle.cancel()
    part.release()
    await expectWholeOrNothing(stand, before, [await backup.ending])
  })

  test('after the first commit leaves it degraded, and nothing of it in the other repository', async () => {
    const held = stand.proxy.hold(({ operation, key }) => operation === 'Head' && /\/a1\/base/.test(key))
    const backup = await operations.backup()
    const first = await held
    expect(await backup.reaches('commit local', 'done')).toBe(true)
    await backup.handle.cancel()
    first.release()
    expect(await backup.ending).toMatchObject({
      outcome: 'done',
      report: { outcome: 'degraded', copies: { primary: { state: 'missing', code: 'STOPPED' } } },
    })
    await expectWholeOrNothing(stand, before, [await backup.ending])
  })

  test.each(['before', 'after'] as const)(
    'while the second manifest is written (cancelled %s the store has it) leaves the backup complete',
    async (when) => {
      const held = stand.proxy.hold(({ operation, key }) => operation === 'Put' && key.endsWith('/manifest.json'), when)
      const backup = await operations.backup()
      const manifest = await held
      await backup.handle.cancel()
      manifest.release()
      expect(await backup.ending).toMatchObject({ outcome: 'done', report: { outcome: 'complete' } })
      await expectWholeOrNothing(stand, before, [await backup.ending])
    },
  )

  test.each(trials(2))('at a random moment leaves it whole or not at all: trial $number (seed $seed)', async (trial) => {
    const moments = systems.map((system) => ({ system, delayMs: trial.delayMs(backupMs) }))
    const backups = await Promise.all(
      moments.map(async ({ system, delayMs }) => {
        const backup = await operations.backup(system)
        await sleep(delayMs)
        await cancel(backup)
        return backup
      }),
    )
    await expectWholeOrNothing(stand, before, await endingsOf(backups))
  })

  test.each(trials(2))('without a worker is done by the next one: trial $number (seed $seed)', async (trial) => {
    const first = await operations.backup('shop')
    await sleep(trial.delayMs(backupMs / 2))
    const second = await operations.backup('shop2')
    await sleep(trial.delayMs(backupMs / 2))
    await worker.kill()
    await Promise.all([first, second].map(cancel))
    worker = await stand.startWorker()
    await expectWholeOrNothing(stand, before, await endingsOf([first, second]))
  })
})

/** One that has ended by itself is not cancelled. */
async function cancel({ handle }: Operation<BackupReport>): Promise<void> {
  await handle.cancel().catch(() => undefined)
}

async function endingsOf(backups: readonly Operation<BackupReport>[]) {
  const endings = await Promise.all(backups.map(({ ending }) => ending))
  for (const ending of endings) if (ending.outcome === 'failed') expect(ending, ending.message).toMatchObject({ code: 'STOPPED' })
  return endings
}
