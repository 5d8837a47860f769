import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { BackupReport, RestoreReport } from '../../src/domain/operations.js'
import { expectRunningOrNothing } from '../restore-kill/restore-round.js'
import { expectWholeOrNothing } from '../stand/backup-outcome.js'
import type { Operation } from '../stand/operations.js'
import { remainsOf } from '../stand/remains.js'
import { trials } from '../stand/trials.js'
import { type OutageBench, startOutageBench } from './outage-bench.js'

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/** What happens to them happens as often. */
const times = 4
/** What a backup beside a restore takes on an idle machine. */
const workMs = 6000

describe('a backup and a restore', () => {
  let bench: OutageBench
  let before: readonly string[]

  beforeAll(async () => {
    bench = await startOutageBench()
  })

  beforeEach(async () => {
    before = await remainsOf(bench.stand)
  })

  afterAll(() => bench?.close())

  test.each(trials(times))('go on after four SIGTERM of the worker: trial $number (seed $seed)', async (trial) => {
    const name = `term_${trial.seed}_${trial.number}`
    const both = await bench.startBoth(name)
    for (let time = 1; time <= times; time += 1) {
      await sleep(trial.delayMs(workMs / times))
      await bench.worker.stop()
      bench.worker = await bench.stand.startWorker()
    }
    await expectBothDone(name, both)
  })

  test.each(trials(times))('go on after four SIGKILL of the Temporal server: trial $number (seed $seed)', async (trial) => {
    const name = `temporal_${trial.seed}_${trial.number}`
    const both = await bench.startBoth(name)
    for (let time = 1; time <= times; time += 1) {
      await sleep(trial.delayMs(workMs / times))
      await bench.stand.temporal.kill()
      await sleep(trial.delayMs(2000))
      await bench.stand.restartTemporal()
    }
    await expectBothDone(name, both)
  })

  /** Neither is begun anew: the first attempt is the one that is committed, and no part is sent again. */
  async function expectBothDone(
    name: string,
    { backup, restore }: { backup: Operation<BackupReport>; restore: Operation<RestoreReport> },
  ): Promise<void> {
    expect(await backup.ending).toMatchObject({ outcome: 'done', report: { outcome: 'complete', attempts: 1 } })
    expect(await expectRunningOrNothing(bench, name, restore)).toMatchObject({ outcome: 'done' })
    await expectWholeOrNothing(bench.stand, before, [await backup.ending])
    expect(bench.stand.proxy.sentTwice()).toEqual([])
  }
})
