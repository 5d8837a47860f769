import { setTimeout as sleep } from 'node:timers/promises'
import { chooseSeed, createRandom, killCount, type Random } from '../stand/random.js'
import { type BackupEnd, type BackupRun, endOf, startBackup } from './backup-run.js'
import { troubleOf } from './history.js'
import type { KillStand } from './kill-stand.js'
import { expectWholeOrNothing, removeBackups } from './whole-or-nothing.js'

/** What is done to backups that have just been started, and what must have become of them. */
export interface Trials {
  readonly name: string
  /** Kills. A worker that is gone afterwards is replaced. */
  readonly strike: (stand: KillStand, runs: readonly BackupRun[], random: Random) => Promise<Struck>
}

export interface Struck {
  /** Trials that met what they were meant for. A kill that came too late is none, and is made up for. */
  readonly met: number
  /** What is checked of the ends, beyond that all is whole or nothing. */
  readonly check: (ends: readonly BackupEnd[]) => void
}

/** Starts are this far apart, so that a kill meets the other backups in other stages. */
const spreadMs = 1500
/** Every n-th batch restores one of its backups, the first and the last always. */
const restoreEvery = 3

/** Runs backups, several at a time, until so many trials as are wanted met what they were meant for; looks at everything after each batch. */
export async function runTrials(stand: KillStand, { name, strike }: Trials): Promise<void> {
  const seed = chooseSeed(name)
  const total = killCount()
  // Who is killed has to wait until whoever was killed before is there again, the longer the busier the machine is.
  const mostBatches = 6 * Math.ceil(total / stand.systems.length)
  for (let met = 0, batch = 0; met < total; batch += 1) {
    if (batch === mostBatches) throw new Error(`${name}, HOLDFAST_SEED=${seed}: ${met} of ${total} met in ${batch} batches`)
    const random = createRandom(seed, `${name} ${batch}`)
    let runs: readonly BackupRun[] = []
    try {
      runs = await startAll(stand, stand.systems.slice(0, total - met), random)
      const { ends, met: more } = await strikeOnce(stand, runs, random, strike)
      met += more
      const restores = met >= total || batch % restoreEvery === 0
      await expectWholeOrNothing(stand, ends, restores ? 'restore' : 'look at artifacts')
    } catch (error) {
      const trouble = (await Promise.all(runs.map(troubleOf))).flat().join('\n')
      if (error instanceof Error) error.message = `${name}, batch ${batch}, HOLDFAST_SEED=${seed}: ${error.message}\n${trouble}`
      throw error
    } finally {
      await removeBackups(stand)
    }
  }
}

async function startAll(stand: KillStand, systems: readonly string[], random: Random): Promise<BackupRun[]> {
  const waits = systems.map(() => random.between(0, spreadMs))
  return Promise.all(
    systems.map(async (system, index) => {
      await sleep(waits[index])
      return startBackup(stand, system)
    }),
  )
}

async function strikeOnce(
  stand: KillStand,
  runs: readonly BackupRun[],
  random: Random,
  strike: Trials['strike'],
): Promise<{ readonly ends: BackupEnd[]; readonly met: number }> {
  const [struck] = await Promise.allSettled([strike(stand, runs, random)])
  // Once all that is still about a worker is done.
  await stand.worker.during(async () => undefined)
  const ends = await Promise.all(runs.map(endOf))
  if (struck.status === 'rejected')
    throw new Error(`no strike; the backups ended: ${JSON.stringify(ends)}`, { cause: struck.reason })
  struck.value.check(ends)
  return { ends, met: struck.value.met }
}
