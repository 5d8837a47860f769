import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { parseLsn } from '../../src/domain/lsn.js'
import { parseTimelineHistory } from '../../src/domain/timeline-history.js'
import { startPostgres, type TestPostgres } from '../servers/postgres.js'
import { type ArchiveBench, startArchiveBench, until } from './archive-bench.js'
import { type Standby, startStandby } from './standby.js'

/* PostgreSQL 18 with segments of 1 MB and a standby, which takes over. */

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const mib = 2 ** 20
let primary: TestPostgres
let standbys: Standby[] = []
let bench: ArchiveBench

beforeAll(async () => {
  const settings = { max_slot_wal_keep_size: '512MB', wal_keep_size: '256MB', hot_standby: 'on' }
  primary = await startPostgres({ major: 18, walSegmentSizeMb: 1, settings })
  standbys = [await startStandby(primary)]
  bench = await startArchiveBench({ server: primary, otherHosts: standbys.map(({ port }) => `127.0.0.1:${port}`) })
  await bench.stand.cli('wal', 'start', 'shop')
})

afterAll(async () => {
  await bench?.close()
  for (const standby of standbys) await standby.dispose()
  await primary?.dispose()
})

test('a standby that takes over is followed: its history, the end of the old timeline, and all that comes after', async () => {
  const [standby] = standbys as [Standby]
  const origin = await bench.flushed()
  const before = await bench.write(5 * mib)
  await bench.marked(before)
  expect(await bench.compare(origin, before)).toBeGreaterThanOrEqual(4)
  const guards = () =>
    standby.sql<{ lsn: string }>(`select restart_lsn::text as lsn from pg_replication_slots where slot_name = 'holdfast_shop'`)
  await until('a guard on the standby', async () => ((await guards()).length === 1 ? true : undefined))
  await until('the standby to have it all', async () => {
    const [row] = await standby.sql<{ done: boolean }>(`select pg_last_wal_replay_lsn() >= '${before}' as done`)
    return row?.done === true ? true : undefined
  })

  await primary.stop('immediate')
  await standby.promote()
  await standby.sql(`insert into ballast select i, repeat(md5(i::text), 30) from generate_series(1, 4000) i`)
  const [row] = await standby.sql<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn')
  const after = parseLsn(row?.lsn ?? '')
  await bench.marked(after)
  await bench.marked(after, 'local')

  const objects = await bench.objects()
  const history = objects.find(({ kind }) => kind === 'history')
  if (history === undefined) throw new Error('there is no history')
  const original = await readFile(join(standby.dataDirectory, 'pg_wal', '00000002.history'))
  expect(original.equals(await bench.read(history))).toBe(true)
  const fork = parseTimelineHistory(original.toString(), 2).ancestors[0]?.endLsn
  expect(
    await bench.compare(fork ?? after, after, 'primary', { timeline: 2, dataDirectory: standby.dataDirectory }),
  ).toBeGreaterThanOrEqual(3)
  // The way to the end of the old timeline.
  const ends = objects.flatMap((object) =>
    object.kind === 'partial' && object.file.startsWith('00000001') ? [object.endLsn] : [],
  )
  expect(ends).toHaveLength(1)
})
