import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseRepositoryName } from '../../src/domain/ids.js'
import { expectNothingLeft, expectRunningOrNothing, prepareBench, type RestoreBench } from '../restore-kill/restore-round.js'
import { connectOperations, type Operations } from '../stand/operations.js'
import { type Stand, startStand } from '../stand/stand.js'
import { type Trial, trials } from '../stand/trials.js'
import type { WorkerProcess } from '../stand/worker-process.js'

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/** A restore takes about this long on an idle machine. */
const restoreMs = 5000

describe('cancellation of a restore', () => {
  let stand: Stand
  let operations: Operations
  let worker: WorkerProcess
  let bench: RestoreBench

  beforeAll(async () => {
    stand = await startStand({ timeouts: { heartbeat: '2s' } })
    await stand.postgres.fillSample(20_000)
    worker = await stand.startWorker()
    operations = await connectOperations(stand.temporal.address)
    bench = await prepareBench(stand, operations)
    stand.proxy.limitRate(4 * 1024 * 1024)
  })

  afterAll(async () => {
    await operations?.close()
    await worker?.stop()
    await stand?.close()
  })

  const restore = (name: string) => operations.restore(name, { repository: parseRepositoryName('primary') })

  test.each(['choose', 'preflight', 'extract', 'replay', 'check'])('while "%s" runs leaves nothing', async (step) => {
    let ending: Awaited<ReturnType<typeof expectRunningOrNothing>>
    let tries = 0
    do {
      tries += 1
      const name = `while_${step}_${tries}`
      const one = await restore(name)
      await one.reaches(step, 'running')
      await one.handle.cancel()
      ending = await expectRunningOrNothing(bench, name, one)
      await expectNothingLeft(bench)
      // Short steps are over before a cancellation has arrived: then the next one is cancelled. After the last one there is none.
    } while (ending.outcome === 'done' && tries < 10)
    expect(ending).toMatchObject({ outcome: 'failed', code: 'STOPPED' })
  })

  test('before anything is chosen leaves nothing', async () => {
    const one = await restore('at_once')
    await one.handle.cancel()
    expect(await expectRunningOrNothing(bench, 'at_once', one)).toMatchObject({ outcome: 'failed', code: 'STOPPED' })
    await expectNothingLeft(bench)
  })

  const startTwo = ({ seed, number }: Trial, what: string) =>
    Promise.all(
      ['a', 'b'].map(async (letter) => {
        const name = `${what}_${seed}_${number}_${letter}`
        return { name, one: await restore(name) }
      }),
    )

  test.each(trials(2))('at a random moment leaves it running or nothing: trial $number (seed $seed)', async (trial) => {
    const started = await startTwo(trial, 'random')
    const moments = started.map((each) => ({ ...each, delayMs: trial.delayMs(restoreMs) }))
    await Promise.all(
      moments.map(async ({ one, delayMs }) => {
        await sleep(delayMs)
        await one.handle.cancel().catch(() => undefined)
      }),
    )
    for (const { name, one } of started) expectStoppedOrDone(await expectRunningOrNothing(bench, name, one))
    await expectNothingLeft(bench)
  })

  test.each(trials(2))('without a worker is done by the next one: trial $number (seed $seed)', async (trial) => {
    const started = await startTwo(trial, 'dead')
    await sleep(trial.delayMs(restoreMs))
    await worker.kill()
    await Promise.all(started.map(({ one }) => one.handle.cancel().catch(() => undefined)))
    worker = await stand.startWorker()
    for (const { name, one } of started) expectStoppedOrDone(await expectRunningOrNothing(bench, name, one))
    await expectNothingLeft(bench)
  })
})

function expectStoppedOrDone(ending: Awaited<ReturnType<typeof expectRunningOrNothing>>): void {
  if (ending.outcome === 'failed') expect(ending, ending.message).toMatchObject({ code: 'STOPPED' })
}
