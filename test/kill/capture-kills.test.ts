import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { awaitJob, type JobProcess, killJob } from '../stand/job-processes.js'
import type { BackupRun } from './backup-run.js'
import { expectComplete } from './ends.js'
import { type KillStand, startKillStand } from './kill-stand.js'
import type { Random } from './random.js'
import { runTrials } from './trials.js'

/** About as long as a capture runs, several at a time. */
const captureMs = 4000
const limitMs = process.env.HOLDFAST_TEST_LONG === '1' ? 3_600_000 : 600_000

let stand: KillStand

beforeAll(async () => {
  stand = await startKillStand({ atOnce: 5 })
}, 120_000)

afterAll(() => stand?.close())

test('a capture goes on when its worker is killed', { timeout: limitMs }, () =>
  runTrials(stand, {
    name: 'worker killed during capture',
    async strike(stand, _runs, random) {
      await sleep(random.between(0, captureMs))
      await stand.killWorker()
      return (ends) => expectComplete(ends)
    },
  }),
)

test('a capture that is killed begins again, and nothing of the first attempt is left', { timeout: limitMs }, async () => {
  let hits = 0
  await runTrials(stand, {
    name: 'capture job killed',
    async strike(stand, runs, random) {
      const attempts = await killCaptures(runs, capturesOf(stand, runs), random)
      hits += [...attempts.values()].filter((count) => count === 2).length
      return (ends) => expectComplete(ends, (system) => attempts.get(system))
    },
  })
  expect(hits, 'captures that were killed before their end').toBeGreaterThan(0)
})

test('a capture that is killed together with its worker begins again', { timeout: limitMs }, () =>
  runTrials(stand, {
    name: 'worker and capture job killed',
    async strike(stand, runs, random) {
      const killedFirst = random.pick(['worker', 'captures'])
      const jobs = capturesOf(stand, runs)
      if (killedFirst === 'worker') {
        await Promise.all(jobs)
        await stand.killWorker()
      }
      const attempts = await killCaptures(runs, jobs, random)
      await stand.killWorker()
      return (ends) => expectComplete(ends, (system) => attempts.get(system))
    },
  }),
)

/** Looked for from now on: one that is found may end before another is there. */
function capturesOf(stand: KillStand, runs: readonly BackupRun[]): Promise<JobProcess>[] {
  return runs.map(({ system }) => awaitJob(stand.stateDirectory, { kind: 'capture', system, attempt: 'a1' }))
}

/** @returns how many attempts each system's backup must take */
async function killCaptures(
  runs: readonly BackupRun[],
  jobs: readonly Promise<JobProcess>[],
  random: Random,
): Promise<Map<string, number>> {
  const waits = runs.map(() => random.between(0, captureMs))
  const attempts = await Promise.all(
    jobs.map(async (found, index): Promise<[string, number]> => {
      const job = await found
      await sleep(waits[index])
      return [runs[index]?.system ?? '', (await killJob(job)) === 'without a result' ? 2 : 1]
    }),
  )
  return new Map(attempts)
}
