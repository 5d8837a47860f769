import { afterAll, beforeAll, test } from 'vitest'
import { createRandom, type Random } from '../stand/random.js'
import { type BackupRun, endOf } from './backup-run.js'
import { expectComplete } from './ends.js'
import { type KillStand, startKillStand } from './kill-stand.js'
import { type Stage, strike, type Victim } from './strike.js'
import { runTrials } from './trials.js'
import { holdAt } from './upload-moments.js'

const limitMs = process.env.HOLDFAST_TEST_LONG === '1' ? 3_900_000 : 900_000

/** On the way of a backup, in their order: what is held back at one still comes at the next. */
const stages: readonly Stage[] = [
  'during capture',
  'during upload',
  'between the commits of two repositories',
  'between last part and manifest',
]

/** A test that kills one of those who work on a backup, at every stage of it. @returns its stand, once it has begun */
export function killsOf(victim: Victim): () => KillStand {
  let stand: KillStand

  beforeAll(async () => {
    stand = await startKillStand({ atOnce: 5, maxRate: '5MB/s' })
    // Longer than the captures; for workers, longer than all of them take to be replaced one after the other, too.
    stand.proxy.limitRate(victim === 'worker' ? 6_000_000 : 10_000_000)
  }, 120_000)

  afterAll(() => stand?.close())

  test(`a backup goes on after SIGKILL of its ${victim} ${stages.join(', ')}`, { timeout: limitMs }, async () => {
    const kills = new Map(stages.map((stage) => [stage, 0]))
    const fewest = () => Math.min(...kills.values())
    await runTrials(stand, {
      name: `${victim} killed`,
      async strike(stand, runs, random) {
        const before = fewest()
        const randoms = runs.map(({ system }) => createRandom(random.next() * 2 ** 31, system))
        const struck = await Promise.all(runs.map((run, index) => strikeAll(stand, run, victim, randoms[index] as Random)))
        for (const stage of struck.flatMap(({ met }) => met)) kills.set(stage, (kills.get(stage) ?? 0) + 1)
        const attempts = new Map(struck.map(({ attempt }, index) => [runs[index]?.system, attempt]))
        return { met: fewest() - before, check: (ends) => expectComplete(ends, (system) => attempts.get(system)) }
      },
    })
    process.stdout.write(`${victim} killed: ${[...kills].map(([stage, count]) => `${count} ${stage}`).join(', ')}\n`)
  })

  return () => stand
}

/** @returns the stages it was met at, and the attempt that has to succeed: a capture that is killed begins again */
async function strikeAll(
  stand: KillStand,
  run: BackupRun,
  victim: Victim,
  random: Random,
): Promise<{ readonly met: readonly Stage[]; readonly attempt: number }> {
  const over = new AbortController()
  const end = endOf(run).then(() => over.abort())
  const completion =
    victim === 'worker' ? holdAt(stand, { system: run.system, attempt: 'a1' }, 'before complete', over.signal) : undefined
  const met: Stage[] = []
  let attempt = 1
  for (const stage of stages) {
    if (over.signal.aborted) break
    const target = { stand, victim, of: { system: run.system, attempt: `a${attempt}` }, random, completion, over: over.signal }
    if ((await Promise.race([strike(target, stage), end])) !== true) continue
    met.push(stage)
    if (stage === 'during capture' && victim !== 'worker') attempt += 1
  }
  return { met, attempt }
}
