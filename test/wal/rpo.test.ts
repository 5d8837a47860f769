import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { parseRepositoryName, parseSystemName } from '../../src/domain/ids.js'
import { compareLsn, type Lsn } from '../../src/domain/lsn.js'
import type { MarkFacts } from '../../src/domain/mark.js'
import { runProgram } from '../../src/process/run-program.js'
import { type ArchiveBench, startArchiveBench } from './archive-bench.js'

/*
 * What would be lost if the server were lost now, looked at all the time, with segments of 64 MB: they take longer to be complete
 * than may be lost.
 */

const isLong = process.env.HOLDFAST_TEST_LONG === '1'
const objectiveSeconds = isLong ? 60 : 10
const watchSeconds = isLong ? 240 : 12

vi.setConfig({ testTimeout: watchSeconds * 1000 + 90_000, hookTimeout: 90_000 })

let bench: ArchiveBench

beforeAll(async () => {
  const postgres = { major: 18, walSegmentSizeMb: 64, settings: { max_slot_wal_keep_size: '2GB' } } as const
  bench = await startArchiveBench({ postgres, objectives: { rpo: `${objectiveSeconds}s` } })
  await pgbench('--initialize', '--quiet', '--scale', '1')
  await bench.stand.cli('wal', 'start', 'shop')
  await bench.marked(await bench.flushed())
})

afterAll(async () => {
  await bench?.close()
})

test('a server that writes nothing never loses more than its objective says', async () => {
  await watch('idle')
})

test('neither does one that writes all the time', async () => {
  await Promise.all([watch('pgbench'), pgbench('--client', '2', '--time', String(watchSeconds), '--rate', '200')])
})

interface Seen {
  readonly atMs: number
  readonly lsn: Lsn
}

/** @throws when the newest mark is too old at any moment, or claims less than the server had flushed by then */
async function watch(what: string): Promise<void> {
  const seen: Seen[] = []
  const ages: number[] = []
  const endMs = Date.now() + watchSeconds * 1000
  while (Date.now() < endMs) {
    const atMs = Date.now()
    seen.push({ atMs, lsn: await bench.flushed() })
    const mark = await newestMark()
    // The look took a moment; the mark is not younger for it.
    const ageMs = Date.now() - Date.parse(mark.at)
    ages.push(ageMs)
    expect(ageMs, `${what}: age of the newest mark`).toBeLessThanOrEqual(objectiveSeconds * 1000)
    const before = seen.findLast(({ atMs: each }) => each + marginMs < Date.parse(mark.at))
    if (before !== undefined) expect(compareLsn(mark.lsn, before.lsn), `${mark.lsn} at ${mark.at}`).toBeGreaterThanOrEqual(0)
    await sleep(250)
  }
  expect(ages.length).toBeGreaterThan(watchSeconds)
  if (isLong)
    console.info(`${what}: at most ${(Math.max(...ages) / 1000).toFixed(1)} s would have been lost in ${watchSeconds} s`)
}

/** Between our look at the clock and the server's answer. */
const marginMs = 500

async function newestMark(): Promise<MarkFacts> {
  const catalog = await bench.composition.catalog(parseRepositoryName('primary'))
  const marks: MarkFacts[] = []
  for await (const mark of catalog.marks.list(parseSystemName('shop'))) marks.push(mark)
  const newest = marks.at(-1)
  if (newest === undefined) throw new Error('there is no mark')
  return newest
}

async function pgbench(...args: string[]): Promise<void> {
  const { binDirectory, port, password } = bench.postgres
  const login = ['--host', '127.0.0.1', '--port', String(port), '--username', 'postgres', 'postgres']
  await runProgram({ program: join(binDirectory, 'pgbench'), args: [...args, ...login], env: { PGPASSWORD: password } }, {})
}
