import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseRepositoryName } from '../../src/domain/ids.js'
import { connectOperations, type Operations } from '../stand/operations.js'
import { killForGood } from '../stand/process-table.js'
import { startAgain } from '../stand/restored.js'
import { type Stand, startStand } from '../stand/stand.js'
import { extractPid, killAndBury, postmasterPid, whenThere } from '../stand/trial-processes.js'
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
    stand.proxy.limitRate(2 * 1024 * 1024)
  })

  afterAll(async () => {
    await operations?.close()
    await worker?.stop()
    await stand?.close()
  })

  /** From the slow repository, so that there is a middle. */
  const start = async ({ number, seed }: Trial, what: string) => {
    const name = `${what}_${seed}_${number}`
    return { name, restore: await operations.restore(name, { repository: parseRepositoryName('primary') }) }
  }
  type Started = Awaited<ReturnType<typeof start>>

  const expectRunning = async ({ name, restore }: Started) => {
    expect(await expectRunningOrNothing(bench, name, restore)).toMatchObject({ outcome: 'done' })
    await expectNothingLeft(bench)
  }

  test.each(trials(2))('a restore goes on after its worker was killed twice: trial $number (seed $seed)', async (trial) => {
    const started = await start(trial, 'worker')
    for (let time = 1; time <= 2; time += 1) {
      await sleep(trial.delayMs(restoreMs / 2))
      await killWorker()
    }
    await expectRunning(started)
  })

  test.each(trials(2))('a restore goes on after its extract job was killed twice: trial $number (seed $seed)', async (trial) => {
    const started = await start(trial, 'job')
    for (let time = 1; time <= 2; time += 1) await killExtraction(started, trial.delayMs(restoreMs / 4))
    await expectRunning(started)
  })

  test.each(trials(2))(
    'a restore goes on after its worker and its extract job were killed twice: trial $number (seed $seed)',
    async (trial) => {
      const started = await start(trial, 'both')
      for (let time = 1; time <= 2; time += 1) {
        await killExtraction(started, trial.delayMs(restoreMs / 4))
        await killWorker()
      }
      await expectRunning(started)
    },
  )

  test.each(trials(2))('a restore whose server is killed runs or leaves nothing: trial $number (seed $seed)', async (trial) => {
    const started = await start(trial, 'server')
    await killServer(started, trial.delayMs(600))
    const ending = await started.restore.ending
    // The kill may come just after the last check: whoever starts it then finds it whole.
    if (ending.outcome === 'done') await startAgain(stand, started.name)
    else expect(ending.code).toBe('RECOVERY_FAILED')
    await expectRunningOrNothing(bench, started.name, started.restore)
    await expectNothingLeft(bench)
  })

  async function killWorker(): Promise<void> {
    await worker.kill()
    worker = await stand.startWorker()
  }

  async function killServer({ name, restore }: Started, delayMs: number): Promise<void> {
    const seen = await whenThere(() => postmasterPid(stand, name), restore.ending)
    await sleep(delayMs)
    const pid = await postmasterPid(stand, name)
    if (seen !== undefined && pid !== undefined) await killAndBury(pid)
  }

  async function killExtraction({ name, restore }: Started, delayMs: number): Promise<void> {
    const seen = await whenThere(() => extractPid(stand, name), restore.ending)
    await sleep(delayMs)
    // Asked again: it may have ended, and its pid may be somebody else's by now.
    const pid = await extractPid(stand, name)
    if (seen !== undefined && pid !== undefined) await killForGood(pid)
  }
})
