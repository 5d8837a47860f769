import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { awaitJob, isAtWork, systemsDone } from '../stand/job-processes.js'
import { endOf } from './backup-run.js'
import { expectComplete } from './ends.js'
import { type KillStand, startKillStand } from './kill-stand.js'
import { runTrials } from './trials.js'

const limitMs = process.env.HOLDFAST_TEST_LONG === '1' ? 3_600_000 : 600_000

let stand: KillStand

beforeAll(async () => {
  stand = await startKillStand({ atOnce: 2 })
}, 120_000)

afterAll(() => stand?.close())

test('captures begin again when PostgreSQL is restarted in immediate mode', { timeout: limitMs }, async () => {
  let restarts = 0
  let lost = 0
  await runTrials(stand, {
    name: 'PostgreSQL restarted during capture',
    async strike(stand, runs, random) {
      const over = Promise.all(runs.map(endOf)).then(() => undefined)
      const done: string[] = []
      let met = 0
      // A capture may begin three times.
      for (const attempt of ['a1', 'a2']) {
        const delayMs = random.between(0, 3000)
        const wanted = runs.map(({ system }) => ({ kind: 'capture' as const, system, attempt }))
        const job = await Promise.race([over, ...wanted.map((each) => awaitJob(stand.stateDirectory, each))])
        if (job === undefined) break
        await sleep(delayMs)
        if (attempt === 'a1') done.push(...systemsDone(stand.stateDirectory, 'capture'))
        if (isAtWork(job)) met += 1
        await stand.postgres.restartImmediate()
      }
      return {
        met,
        check(ends) {
          expectComplete(ends, (system) => (done.includes(system) ? 1 : undefined))
          restarts += met
          for (const end of ends) if ('report' in end) lost += end.report.attempts - 1
        },
      }
    },
  })
  // One that has everything but its end may outlive the server.
  expect(lost, 'captures that began again').toBeGreaterThan(restarts / 2)
})
