import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Lsn } from '../../src/domain/lsn.js'
import { awaitJob, killJob } from '../stand/job-processes.js'
import { killForGood, processesNaming } from '../stand/process-table.js'
import { type Trial, trials } from '../stand/trials.js'
import { type ArchiveBench, startArchiveBench } from './archive-bench.js'

/* Everything that archives is killed, at moments of chance, while a server writes: ten kills without a rest between them. */

vi.setConfig({ testTimeout: 300_000, hookTimeout: 180_000 })

const mib = 2 ** 20
const victims = ['worker', 'receiver', 'receive-wal', 'replicate to primary', 'replicate to local', 'all'] as const
type Victim = (typeof victims)[number]

let bench: ArchiveBench
let origin: Lsn

beforeAll(async () => {
  bench = await startArchiveBench({ postgres: { walSegmentSizeMb: 1 } })
  origin = await bench.flushed()
  await bench.stand.cli('wal', 'start', 'shop')
  await bench.marked(origin)
})

afterAll(async () => {
  await bench?.close()
})

test.each(series())('no kill leaves a gap: seeds $first to $last', async ({ kills }) => {
  let over = false
  const writing = (async () => {
    while (!over) await bench.write(mib)
  })()
  try {
    for (const { random, delayMs } of kills) {
      const victim = victims[Math.floor(random() * victims.length)] ?? 'all'
      await sleep(delayMs(700))
      await strike(victim)
    }
  } finally {
    over = true
    await writing
  }
  const lsn = await bench.write(1)
  for (const repository of ['primary', 'local']) {
    await bench.marked(lsn, repository)
    expect(await bench.compare(origin, lsn, repository)).toBeGreaterThan(0)
  }
})

test('nothing of it is left when archiving is stopped', async () => {
  const { stand, postgres } = bench
  expect((await stand.cli('wal', 'stop', 'shop')).exitCode).toBe(0)
  const working = (await processesNaming(stand.stateDirectory)).filter(({ args }) =>
    args.some((text) => text.endsWith('jobs/main.js') || text.endsWith('pg_receivewal')),
  )
  expect(working).toEqual([])
  await expect.poll(() => postgres.sql('select pid from pg_stat_replication'), { timeout: 10_000 }).toEqual([])
  const files = await readdir(join(stand.stateDirectory), { recursive: true })
  expect(files.filter((file) => /\.new$|\.growing-|\.put-|sock$/.test(file))).toEqual([])
  const stored = await readdir(join(stand.directory, 'local'), { recursive: true })
  expect(stored.filter((file) => /\.growing-|\.put-/.test(file))).toEqual([])
})

function series() {
  const all = trials()
  return Array.from({ length: Math.ceil(all.length / 10) }, (_, index) => {
    const kills: readonly Trial[] = all.slice(index * 10, index * 10 + 10)
    return { kills, first: kills[0]?.seed, last: kills.at(-1)?.seed }
  })
}

async function strike(victim: Victim): Promise<void> {
  const { stateDirectory } = bench.stand
  const isMeant = (each: Victim) => victim === each || victim === 'all'
  // Looked for while there is a worker: one that was killed just before comes back with it alone.
  const jobs = await Promise.all(wanted.filter(({ of }) => isMeant(of)).map(({ of: _, ...job }) => awaitJob(stateDirectory, job)))
  if (isMeant('worker')) await bench.worker.kill()
  if (isMeant('receiver')) {
    const programs = await processesNaming(join(stateDirectory, 'wal', 'shop'))
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
