import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, test } from 'vitest'
import { awaitJob, killJob } from '../stand/job-processes.js'
import type { BackupRun } from './backup-run.js'
import { whenCommittedLocally } from './committed.js'
import { expectComplete } from './ends.js'
import { type KillStand, startKillStand } from './kill-stand.js'
import { type CheckEnds, runTrials } from './trials.js'
import { holdAt, type UploadMoment } from './upload-moments.js'

const limitMs = process.env.HOLDFAST_TEST_LONG === '1' ? 3_600_000 : 600_000

let stand: KillStand

beforeAll(async () => {
  stand = await startKillStand({ atOnce: 5 })
}, 120_000)

afterAll(() => stand?.close())

test('a worker that is killed between last part, completion and manifest loses nothing', { timeout: limitMs }, () =>
  runTrials(stand, {
    name: 'worker killed around completion and manifest',
    strike: (stand, runs, random) =>
      killAt(stand, runs, () => random.pick(['before complete', 'after complete', 'before manifest', 'after manifest'])),
  }),
)

test('a worker that is killed between the commits of two repositories commits the second', { timeout: limitMs }, () =>
  runTrials(stand, {
    name: 'worker killed between the commits of two repositories',
    async strike(stand, runs, random) {
      const delayMs = random.between(0, 300)
      const held = await Promise.all(
        runs.map(async ({ system }) => {
          const [request] = await Promise.all([holdAt(stand, system, 'before complete'), whenCommittedLocally(stand, system)])
          return request
        }),
      )
      await sleep(delayMs)
      await stand.killWorker()
      for (const request of held) request.release()
      return (ends) => expectComplete(ends)
    },
  }),
)

test('a replicate job and a worker killed around completion send nothing again', { timeout: limitMs }, () =>
  runTrials(stand, {
    name: 'worker and replicate job killed around completion',
    async strike(stand, runs, random) {
      const jobs = runs.map(({ system }) => awaitJob(stand.stateDirectory, { kind: 'replicate', system }))
      return killAt(
        stand,
        runs,
        () => random.pick(['before complete', 'after complete']),
        async () => {
          await Promise.all((await Promise.all(jobs)).map(killJob))
        },
      )
    },
  }),
)

/** Lets every backup run to its moment, kills the worker (and what else is said) there, and lets the requests go. */
async function killAt(
  stand: KillStand,
  runs: readonly BackupRun[],
  choose: () => UploadMoment,
  alsoKill: () => Promise<void> = async () => undefined,
): Promise<CheckEnds> {
  const held = await Promise.all(runs.map(({ system }) => holdAt(stand, system, choose())))
  await Promise.all([stand.killWorker(), alsoKill()])
  for (const request of held) request.release()
  return (ends) => expectComplete(ends)
}
