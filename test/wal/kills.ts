import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { awaitJob, killJob } from '../stand/job-processes.js'
import { killForGood, processesNaming } from '../stand/process-table.js'
import { type Trial, trials } from '../stand/trials.js'
import type { ArchiveBench } from './archive-bench.js'

const victims = ['worker', 'receiver', 'receive-wal', 'replicate to primary', 'replicate to local', 'all'] as const
type Victim = (typeof victims)[number]

const atOnce = 10

/** Kills at moments of chance, ten in a row without a rest between them. */
export function killSeries() {
  const all = trials()
  return Array.from({ length: Math.ceil(all.length / atOnce) }, (_, index) => {
    const kills: readonly Trial[] = all.slice(index * atOnce, (index + 1) * atOnce)
    return { kills, first: kills[0]?.seed, last: kills.at(-1)?.seed }
  })
}

/** A little all the time. */
export async function writeMeanwhile(bench: ArchiveBench, work: () => Promise<void>): Promise<void> {
  let over = false
  const writing = (async () => {
    while (!over) await Promise.all([bench.write(2 ** 19), sleep(100)])
  })()
  await work().finally(() => {
    over = true
  })
  await writing
}

/** Waits up to 0.7 s and kills one of those who archive, or all. */
export async function strike(bench: ArchiveBench, { random, delayMs }: Trial): Promise<void> {
  const { stateDirectory } = bench.stand
  const victim = victims[Math.floor(random() * victims.length)] ?? 'all'
  const isMeant = (each: Victim) => victim === each || victim === 'all'
  await sleep(delayMs(700))
  // Looked for while there is a worker: one that was killed just before comes back with it alone.
  const jobs = await Promise.all(
    wanted.filter(({ of }) => isMeant(of)).map(({ of: _, ...job }) => awaitJob(stateDirectory, job, 180_000)),
  )
  if (isMeant('worker')) await bench.worker.kill()
  if (isMeant('receiver')) {
    const programs = processesNaming(join(stateDirectory, 'wal', 'shop'))
    const receiver = programs.find(({ args }) => args[0]?.endsWith('pg_receivewal'))
    if (receiver !== undefined) await killForGood(receiver.pid)
  }
  for (const job of jobs) await killJob(job)
  if (isMeant('worker')) bench.worker = await bench.stand.startWorker()
}

const wanted = [
  { of: 'receive-wal', kind: 'receive-wal', system: 'shop' },
  { of: 'replicate to primary', kind: 'replicate-wal', system: 'shop', to: 'primary' },
  { of: 'replicate to local', kind: 'replicate-wal', system: 'shop', to: 'local' },
] as const

/** Processes, sockets and temporary files that nobody needs when archiving is stopped. */
export async function leftOf({ stand }: ArchiveBench): Promise<string[]> {
  const processes = processesNaming(stand.stateDirectory).map(({ args }) => args.join(' '))
  const state = await readdir(stand.stateDirectory, { recursive: true })
  const stored = await readdir(join(stand.directory, 'local'), { recursive: true })
  return [
    ...processes.filter((text) => /jobs\/main\.js|pg_receivewal/.test(text)),
    ...[...state, ...stored].filter((file) => /\.new$|\.growing-|\.put-|sock$/.test(file)),
  ]
}
