import { afterAll, beforeAll, test } from 'vitest'
import { type BackupRun, endOf } from './backup-run.js'
import { expectComplete } from './ends.js'
import { type KillStand, startKillStand } from './kill-stand.js'
import { createRandom, type Random } from './random.js'
import { type Stage, strike, type Victim } from './strike.js'
import { runTrials } from './trials.js'

const limitMs = process.env.HOLDFAST_TEST_LONG === '1' ? 3_900_000 : 900_000

/** Each backup is met twice on its way. */
const ways: readonly (readonly [Stage, Stage])[] = [
  ['during capture', 'between last part and manifest'],
  ['during upload', 'between the commits of two repositories'],
]

/** Tests that kill one of those who work on a backup, at every stage of it. @returns their stand, once they have begun */
export function killsOf(victim: Victim): () => KillStand {
  let stand: KillStand

  beforeAll(async () => {
    stand = await startKillStand({ atOnce: 5, maxRate: '5MB/s' })
    stand.proxy.limitRate(15_000_000)
  }, 120_000)

  afterAll(() => stand?.close())

  test.each(ways)(`a backup goes on after SIGKILL of its ${victim} %s and %s`, { timeout: limitMs }, async (...way) => {
    await runTrials(stand, {
      name: `${victim} killed ${way.join(' and ')}`,
      async strike(stand, runs, random) {
        const randoms = runs.map(({ system }) => createRandom(random.next() * 2 ** 31, system))
        const struck = await Promise.all(runs.map((run, index) => strikeTwice(stand, run, victim, way, randoms[index] as Random)))
        const attempts = new Map(struck.map(({ attempt }, index) => [runs[index]?.system, attempt]))
        return {
          met: struck.filter(({ met }) => met).length,
          check: (ends) => expectComplete(ends, (system) => attempts.get(system)),
        }
      },
    })
  })

  return () => stand
}

/** @returns whether both were met, and the attempt that has to succeed: a capture that is killed begins again */
async function strikeTwice(
  stand: KillStand,
  run: BackupRun,
  victim: Victim,
  way: readonly Stage[],
  random: Random,
): Promise<{ readonly met: boolean; readonly attempt: number }> {
  const over = new AbortController()
  const end = endOf(run).then(() => over.abort())
  let met = true
  let attempt = 1
  for (const stage of way) {
    if (over.signal.aborted) return { met: false, attempt }
    const target = { stand, victim, of: { system: run.system, attempt: `a${attempt}` }, random, over: over.signal }
    const hit = (await Promise.race([strike(target, stage), end])) === true
    if (hit && stage === 'during capture' && victim !== 'worker') attempt += 1
    met &&= hit
  }
  return { met, attempt }
}
