import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { awaitJob, systemsDone } from '../stand/job-processes.js'
import { expectComplete } from './ends.js'
import { type KillStand, startKillStand } from './kill-stand.js'
import { runTrials } from './trials.js'

let stand: KillStand

beforeAll(async () => {
  stand = await startKillStand({ atOnce: 5, maxRate: '5MB/s' })
}, 120_000)

afterAll(() => stand?.close())

test('captures begin again when PostgreSQL is restarted in immediate mode', { timeout: 3_600_000 }, () => {
  let lost = 0
  return runTrials(stand, {
    name: 'PostgreSQL restarted during capture',
    async strike(stand, runs, random) {
      const delayMs = random.between(0, 4000)
      const wanted = runs.map(({ system }) => ({ kind: 'capture' as const, system }))
      await Promise.race(wanted.map((job) => awaitJob(stand.stateDirectory, job)))
      await sleep(delayMs)
      const done = await systemsDone(stand.stateDirectory, 'capture')
      await stand.postgres.restartImmediate()
      return (ends) => {
        expectComplete(ends, (system) => (done.includes(system) ? 1 : undefined))
        lost += ends.filter((end) => 'report' in end && end.report.attempts === 2).length
      }
    },
  }).then(() => expect(lost).toBeGreaterThan(0))
})
