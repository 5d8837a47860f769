import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Lsn } from '../../src/domain/lsn.js'
import { type ArchiveBench, startArchiveBench } from './archive-bench.js'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 })

let bench: ArchiveBench
let origin: Lsn

beforeAll(async () => {
  bench = await startArchiveBench()
  origin = await bench.flushed()
  const started = await bench.stand.cli('wal', 'start', 'shop')
  expect(started).toMatchObject({ exitCode: 0, stdout: 'wal/shop is started' })
})

afterAll(async () => {
  await bench?.close()
})

test('segments and marks arrive in every repository, and are what the server wrote', async () => {
  const lsn = await bench.write(40 * 2 ** 20)
  await bench.marked(lsn)
  await bench.marked(lsn, 'local')
  expect(await bench.compare(origin, lsn)).toBeGreaterThanOrEqual(2)
  expect(await bench.compare(origin, lsn, 'local')).toBeGreaterThanOrEqual(2)
})
