import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseRepositoryName } from '../../src/domain/ids.js'
import type { RestoreReport } from '../../src/domain/operations.js'
import { killJob } from '../stand/job-processes.js'
import { connectOperations, type Operation, type Operations } from '../stand/operations.js'
import { chooseSeed, createRandom, killCount, type Random } from '../stand/random.js'
import { type ReplacedWorker, startReplacedWorker } from '../stand/replaced-worker.js'
import { startAgain } from '../stand/restored.js'
import { type Stand, startStand } from '../stand/stand.js'
import { extractJob, killAndBury, postmasterPid, whenThere } from '../stand/trial-processes.js'
import { type Trial, trials } from '../stand/trials.js'
import { expectNothingLeft, expectRunningOrNothing, prepareBench, type RestoreBench } from './restore-round.js'

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })
const limitMs = process.env.HOLDFAST_TEST_LONG === '1' ? 3_900_000 : 600_000

const victims = ['worker', 'extract job', 'worker and extract job'] as const
type Victim = (typeof victims)[number]

/** Restores at a time, and how often each is struck. */
const atOnce = 3
const strikes = 4
/** About what the work of a victim takes, this many at a time, on an idle machine. */
const workMs = 6000
const extractMs = 3000

interface Started {
  readonly name: string
  readonly restore: Operation<RestoreReport>
}

describe('kills during restore', () => {
  let stand: Stand
  let operations: Operations
  let worker: ReplacedWorker
  let bench: RestoreBench

  beforeAll(async () => {
    stand = await startStand({ bulkSlots: atOnce, timeouts: { heartbeat: '2s' } })
    await stand.postgres.fillSample(20_000)
    worker = await startReplacedWorker(stand)
    operations = await connectOperations(stand.temporal.address)
    bench = await prepareBench(stand, operations)
  })

  afterAll(async () => {
    await operations?.close()
    await worker?.stop()
    await stand?.close()
  })

  test.each(victims)('restores go on after SIGKILL of their %s', { timeout: limitMs }, async (victim) => {
    const seed = chooseSeed(`restores, ${victim} killed`)
    // Those whose worker is replaced wait for one another meanwhile.
    stand.proxy.limitRate((victim === 'worker and extract job' ? 2 : 6) * 1024 * 1024)
    const total = killCount()
    // A kill that comes too late is none, and is made up for: on a busy machine, where turns take long, that is most of them.
    const mostRounds = 6 * Math.ceil(total / atOnce / strikes)
    let kills = 0
    for (let round = 1; kills < total; round += 1) {
      expect(round, `${kills} of ${total} kills met a restore`).toBeLessThanOrEqual(mostRounds)
      const random = createRandom(seed, `${victim} ${round}`)
      const met = await Promise.all(
        Array.from({ length: Math.min(atOnce, Math.ceil((total - kills) / (strikes - 1))) }, (_, index) =>
          strikeRestore(`r_${round}_${index}`, victim, createRandom(random.next() * 2 ** 31)),
        ),
      )
      await expectNothingLeft(bench)
      kills += met.reduce((sum, each) => sum + each, 0)
    }
    process.stdout.write(`${victim} killed during restore: ${kills}\n`)
  })

  test.each(trials(4))('a restore whose server is killed runs or leaves nothing: trial $number (seed $seed)', async (trial) => {
    stand.proxy.limitRate(2 * 1024 * 1024)
    const started = await start(`server_${trial.seed}_${trial.number}`)
    await killServer(started, trial)
    const ending = await started.restore.ending
    // The kill may come just after the last check: whoever starts it then finds it whole.
    if (ending.outcome === 'done') await startAgain(stand, started.name)
    else expect(ending).toMatchObject({ code: 'RECOVERY_FAILED' })
    await expectRunningOrNothing(bench, started.name, started.restore)
    await expectNothingLeft(bench)
  })

  /** From the slow repository, so that there is a middle. */
  async function start(name: string): Promise<Started> {
    return { name, restore: await operations.restore(name, { repository: parseRepositoryName('primary') }) }
  }

  /** A restore from its beginning to its end. @returns how many kills met it */
  async function strikeRestore(name: string, victim: Victim, random: Random): Promise<number> {
    const started = await start(name)
    let over = false
    const end = started.restore.ending.finally(() => {
      over = true
    })
    let met = 0
    for (let time = 1; time <= strikes && !over; time += 1) {
      if (await strike(started, victim, random, () => over)) met += 1
    }
    await end
    expect(await expectRunningOrNothing(bench, name, started.restore)).toMatchObject({ outcome: 'done' })
    return met
  }

  async function strike({ name, restore }: Started, victim: Victim, random: Random, isOver: () => boolean): Promise<boolean> {
    const workerFirst = random.pick([true, false])
    const delayMs = random.between(0, (victim === 'worker' ? workMs : extractMs) / strikes)
    const whenExtracting = () => whenThere(() => extractJob(stand, name), restore.ending)
    // The job is asked for again: it may have ended, and its pid may be somebody else's by now.
    const killExtraction = async () => {
      const job = extractJob(stand, name)
      return job !== undefined && (await killJob(job)) === 'without a result'
    }
    switch (victim) {
      case 'worker':
        await sleep(delayMs)
        return worker.during(async () => {
          if (isOver()) return false
          await worker.kill()
          return true
        })
      case 'extract job':
        await whenExtracting()
        await sleep(delayMs)
        return killExtraction()
      case 'worker and extract job':
        // Waited for when it is its turn: replacing a worker takes as long as an extraction.
        return worker.during(async () => {
          await whenExtracting()
          await sleep(delayMs)
          if (isOver()) return false
          if (workerFirst) await worker.kill()
          const met = await killExtraction()
          if (!workerFirst) await worker.kill()
          return met
        })
    }
  }

  async function killServer({ name, restore }: Started, trial: Trial): Promise<void> {
    const seen = await whenThere(() => postmasterPid(stand, name), restore.ending)
    await sleep(trial.delayMs(600))
    const pid = await postmasterPid(stand, name)
    if (seen !== undefined && pid !== undefined) await killAndBury(pid)
  }
})
