import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { expectWholeOrNothing } from '../stand/backup-outcome.js'
import { remainsOf } from '../stand/remains.js'
import { trials } from '../stand/trials.js'
import { bringBackS3, type OutageBench, startOutageBench } from './outage-bench.js'

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

describe('an S3 server that is away for a while', () => {
  let bench: OutageBench
  let before: readonly string[]
  let endS3: () => Promise<void>

  beforeAll(async () => {
    bench = await startOutageBench()
    bench.stand.proxy.limitRate(2 * 1024 * 1024)
    endS3 = () => bench.stand.s3.stop('SIGKILL')
  })

  beforeEach(async () => {
    before = await remainsOf(bench.stand)
  })

  afterAll(async () => {
    await bench?.close()
    await endS3?.()
  })

  test.each(trials(2))('twice delays a backup and costs no part: trial $number (seed $seed)', async (trial) => {
    const { proxy } = bench.stand
    const backup = await bench.operations.backup()
    expect(await backup.reaches('replicate primary', 'running')).toBe(true)
    for (let time = 1; time <= 2; time += 1) {
      await sleep(trial.delayMs(1500))
      expect((await backup.handle.describe()).status.name, 'the backup that is to be met').toBe('RUNNING')
      // Every third time the server itself dies; else nothing gets through to it.
      const comeBack = (trial.number + time) % 3 === 0 ? await killS3() : await cutOff()
      await sleep(500 + trial.delayMs(2000))
      await comeBack()
    }
    expect(await backup.ending).toMatchObject({ outcome: 'done', report: { outcome: 'complete', attempts: 1 } })
    await expectWholeOrNothing(bench.stand, before, [await backup.ending])
    expect(proxy.sentTwice()).toEqual([])
  })

  async function cutOff(): Promise<() => Promise<void>> {
    await bench.stand.proxy.pause()
    return () => bench.stand.proxy.resume()
  }

  async function killS3(): Promise<() => Promise<void>> {
    await endS3()
    return async () => {
      const again = await bringBackS3(bench.stand)
      endS3 = () => again.stop('SIGKILL')
    }
  }
})
