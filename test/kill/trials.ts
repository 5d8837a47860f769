import { setTimeout as sleep } from 'node:timers/promises'
import { type BackupEnd, type BackupRun, endOf, startBackup } from './backup-run.js'
import { troubleOf } from './history.js'
import type { KillStand } from './kill-stand.js'
import { chooseSeed, createRandom, killCount, type Random } from './random.js'
import { expectWholeOrNothing, removeBackups } from './whole-or-nothing.js'

/** What is done to backups that have just been started, and what must have become of them. */
export interface Trials {
  readonly name: string
  /** Kills. A worker that is gone afterwards is replaced. @returns what is checked of the ends, beyond that all is whole or nothing */
  readonly strike: (stand: KillStand, runs: readonly BackupRun[], random: Random) => Promise<CheckEnds>
}

export type CheckEnds = (ends: readonly BackupEnd[]) => void

/** Starts are this far apart, so that one kill meets backups in different stages. */
const spreadMs = 1500
/** Every n-th batch restores one of its backups, the first and the last always. */
const restoreEvery = 3

/** Runs as many backups as kills are wanted, several at a time, and looks at everything after each batch. */
export async function runTrials(stand: KillStand, { name, strike }: Trials): Promise<void> {
  const seed = chooseSeed(name)
  const total = killCount()
  const size = stand.systems.length
  for (let done = 0; done < total; done += size) {
    const batch = done / size
    const random = createRandom(seed, `${name} ${batch}`)
    const systems = stand.systems.slice(0, Math.min(size, total - done))
    const isLast = done + size >= total
    let runs: readonly BackupRun[] = []
    try {
      runs = await startAll(stand, systems, random)
      const ends = await strikeOnce(stand, runs, random, strike)
      await expectWholeOrNothing(stand, ends, isLast || batch % restoreEvery === 0 ? 'restore' : 'look at artifacts')
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
): Promise<BackupEnd[]> {
  const [struck] = await Promise.allSettled([strike(stand, runs, random)])
  await stand.ensureWorker()
  const ends = await Promise.all(runs.map(endOf))
  if (struck.status === 'rejected')
    throw new Error(`no strike; the backups ended: ${JSON.stringify(ends)}`, { cause: struck.reason })
  struck.value(ends)
  return ends
}
