import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseRepositoryName } from '../../src/domain/ids.js'
import { connectOperations, type Operations } from '../stand/operations.js'
import { startAgain } from '../stand/restored.js'
import { type Stand, startStand } from '../stand/stand.js'
import { extractPid, killAndBury, killNow, postmasterPid, whenThere } from '../stand/trial-processes.js'
import { type Trial, trials } from '../stand/trials.js'
import type { WorkerProcess } from '../stand/worker-process.js'
import { expectNothingLeft, expectRunningOrNothing, prepareBench, type RestoreBench } from './restore-round.js'

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/** A restore takes about this long on an idle machine, from the start to RUNNING. */
const restoreMs = 5000

describe('kills during restore', () => {
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

  /** Two at a time, from the slow repository, so that there is a middle. */
  const startTwo = async ({ number, seed }: Trial, what: string) => {
    const names = [`${what}_${seed}_${number}_a`, `${what}_${seed}_${number}_b`]
    return Promise.all(
      names.map(async (name) => ({
        name,
        restore: await operations.restore(name, { repository: parseRepositoryName('primary') }),
      })),
    )
  }
  type Started = Awaited<ReturnType<typeof startTwo>>

  const expectAllRunning = async (started: Started) => {
    const endings = []
    for (const { name, restore } of started) endings.push(await expectRunningOrNothing(bench, name, restore))
    await expectNothingLeft(bench)
    expect(endings.filter(({ outcome }) => outcome === 'failed')).toEqual([])
  }

  test.each(trials(2))('a restore goes on after its worker was killed twice: trial $number (seed $seed)', async (trial) => {
    const started = await startTwo(trial, 'worker')
    for (let time = 1; time <= 2; time += 1) {
      await sleep(trial.delayMs(restoreMs / 2))
      await worker.kill()
      worker = await stand.startWorker()
    }
    await expectAllRunning(started)
  })

  test.each(trials(2))('a restore goes on after its extract job was killed: trial $number (seed $seed)', async (trial) => {
    const started = await startTwo(trial, 'job')
    await Promise.all(started.map((one) => killExtraction(one, trial.delayMs(restoreMs / 2))))
    await expectAllRunning(started)
  })

  test.each(trials(2))(
    'a restore goes on after its worker and its extract job were killed: trial $number (seed $seed)',
    async (trial) => {
      const started = await startTwo(trial, 'both')
      for (const one of started) {
        await killExtraction(one, trial.delayMs(restoreMs / 4))
        await worker.kill()
        worker = await stand.startWorker()
      }
      await expectAllRunning(started)
    },
  )

  test.each(trials(2))('a restore whose server is killed runs or leaves nothing: trial $number (seed $seed)', async (trial) => {
    const started = await startTwo(trial, 'server')
    await Promise.all(started.map((one) => killServer(one, trial.delayMs(600))))
    for (const { name, restore } of started) {
      const ending = await restore.ending
      // The kill may come just after the last check: whoever starts it then finds it whole.
      if (ending.outcome === 'done') await startAgain(stand, name)
      else expect(['RECOVERY_FAILED', 'CHECK_FAILED']).toContain(ending.code)
      await expectRunningOrNothing(bench, name, restore)
    }
    await expectNothingLeft(bench)
  })

  async function killServer({ name, restore }: Started[number], delayMs: number): Promise<void> {
    const seen = await whenThere(() => postmasterPid(stand, name), restore.ending)
    await sleep(delayMs)
    const pid = await postmasterPid(stand, name)
    if (seen !== undefined && pid !== undefined) await killAndBury(pid)
  }

  async function killExtraction({ name, restore }: Started[number], delayMs: number): Promise<void> {
    const seen = await whenThere(() => extractPid(stand, name), restore.ending)
    await sleep(delayMs)
    // Asked again: it may have ended, and its pid may be somebody else's by now.
    const pid = await extractPid(stand, name)
    if (seen !== undefined && pid !== undefined) killNow(pid)
  }
})
