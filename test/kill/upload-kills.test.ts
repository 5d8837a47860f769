import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { awaitJob, killJob } from '../stand/job-processes.js'
import { type BackupRun, endOf, startBackup } from './backup-run.js'
import { expectComplete } from './ends.js'
import { type KillStand, startKillStand } from './kill-stand.js'
import type { Random } from './random.js'
import { runTrials } from './trials.js'
import { nthPartOf } from './upload-moments.js'
import { expectWholeOrNothing, removeBackups } from './whole-or-nothing.js'

/** An artifact of the source has up to four parts, all of them six. */
const partsToWaitFor = 6
/** About as long as a part takes, several uploads at a time. */
const partMs = 800
const limitMs = process.env.HOLDFAST_TEST_LONG === '1' ? 3_600_000 : 600_000

let stand: KillStand

beforeAll(async () => {
  stand = await startKillStand({ atOnce: 5 })
  stand.proxy.limitRate(25_000_000)
}, 120_000)

afterAll(() => stand?.close())

test('an upload whose job is killed goes on where it was', { timeout: limitMs }, () =>
  runTrials(stand, {
    name: 'replicate job killed',
    async strike(stand, runs, random) {
      await Promise.all(runs.map((run) => killReplication(stand, run, random)))
      return (ends) => expectComplete(ends)
    },
  }),
)

test('an upload whose job and worker are killed goes on where it was', { timeout: limitMs }, () =>
  runTrials(stand, {
    name: 'worker and replicate job killed',
    async strike(stand, runs, random) {
      const workerAt = random.between(0, runs.length * partMs)
      await Promise.all([
        sleep(workerAt).then(() => stand.replaceWorker()),
        ...runs.map((run) => killReplication(stand, run, random)),
      ])
      return (ends) => expectComplete(ends)
    },
  }),
)

test('an upload that the store began twice, because its answer was lost, leaves nothing', { timeout: limitMs }, async () => {
  stand.proxy.loseNextAnswer(({ operation, key }) => operation === 'Begin' && key.startsWith('shop1/'), 500)
  const ends = [await endOf(await startBackup(stand, 'shop1'))]
  expectComplete(ends)
  expect(stand.proxy.requests.filter(({ operation, status }) => operation === 'Abort' && status === 204)).toHaveLength(1)
  await expectWholeOrNothing(stand, ends, 'look at artifacts')
  await removeBackups(stand)
})

/** At a random part of its artifacts, somewhere on the way. */
async function killReplication(stand: KillStand, { system }: BackupRun, random: Random): Promise<void> {
  const part = Math.floor(random.between(1, partsToWaitFor))
  const delayMs = random.between(0, partMs)
  const [job] = await Promise.all([awaitJob(stand.stateDirectory, { kind: 'replicate', system }), nthPartOf(stand, system, part)])
  await sleep(delayMs)
  await killJob(job)
}
