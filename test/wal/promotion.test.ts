import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { parseSystemName } from '../../src/domain/ids.js'
import { type Lsn, lsnToBytes, parseLsn } from '../../src/domain/lsn.js'
import { parseTimelineHistory } from '../../src/domain/timeline-history.js'
import { historyFileName, type WalObject } from '../../src/domain/wal.js'
import { freePort } from '../servers/free-port.js'
import { startPostgres, type TestPostgres } from '../servers/postgres.js'
import { type ArchiveBench, startArchiveBench, until } from './archive-bench.js'
import { type Standby, startStandby } from './standby.js'

/* PostgreSQL 18 with segments of 1 MB and a standby, which takes over, and others after it: some while the one before them lives on. */

vi.setConfig({ testTimeout: 240_000, hookTimeout: 180_000 })

const mib = 2 ** 20
let primary: TestPostgres
let [first, second, third] = [undefined, undefined, undefined] as (Standby | undefined)[]
let secondPort: number
let bench: ArchiveBench

beforeAll(async () => {
  const settings = { max_slot_wal_keep_size: '512MB', wal_keep_size: '256MB', hot_standby: 'on' }
  primary = await startPostgres({ major: 18, walSegmentSizeMb: 1, settings })
  first = await startStandby(primary)
  secondPort = await freePort()
  bench = await startArchiveBench({ server: primary, otherHosts: [first.port, secondPort].map((port) => `127.0.0.1:${port}`) })
  await bench.stand.cli('wal', 'start', 'shop')
})

afterAll(async () => {
  await bench?.close()
  await first?.dispose()
  await second?.dispose()
  await third?.dispose()
  await primary?.dispose()
})

const guardOn = (standby: Standby) =>
  until('a guard on the standby', async () => {
    const rows = await standby.sql(`select 1 from pg_replication_slots where slot_name = 'holdfast_shop'`)
    return rows.length === 1 ? true : undefined
  })

const caughtUp = (standby: Standby, lsn: Lsn) =>
  until('the standby to have it all', async () => {
    const [row] = await standby.sql<{ done: boolean }>(`select pg_last_wal_replay_lsn() >= '${lsn}' as done`)
    return row?.done === true ? true : undefined
  })

test('the doctor warns of what would invalidate the guard while a repository is away', async () => {
  const source = await bench.composition.walSource(parseSystemName('shop'))
  const idle = async () =>
    (await source.probe(new AbortController().signal)).filter(({ subject }) => subject === 'archiving: idle slots')
  expect(await idle()).toEqual([])
  await primary.sql(`alter system set idle_replication_slot_timeout = '1h'`)
  await primary.sql('select pg_reload_conf()')
  const [finding] = await until('the setting', async () => ((await idle()).length === 0 ? undefined : idle()))
  expect(finding).toMatchObject({ outcome: 'warning', message: expect.stringContaining('1h') })
  await primary.sql('alter system reset idle_replication_slot_timeout')
  await primary.sql('select pg_reload_conf()')
})

test('what the primary has removed is received from a standby that has it', async () => {
  const standby = first as Standby
  const origin = await bench.flushed()
  await bench.marked(await bench.write(mib))
  await guardOn(standby)
  await bench.stand.cli('wal', 'stop', 'shop')
  await primary.sql(`select pg_drop_replication_slot('holdfast_shop')`)
  await primary.sql('alter system set wal_keep_size = 0')
  await primary.sql('select pg_reload_conf()')
  await caughtUp(standby, await bench.write(6 * mib))
  await primary.sql('checkpoint')
  await bench.write(mib)
  await primary.sql('checkpoint')
  await primary.sql('alter system reset wal_keep_size')
  await primary.sql('select pg_reload_conf()')
  await bench.stand.cli('wal', 'start', 'shop')
  const lsn = await bench.write(mib)
  for (const repository of ['primary', 'local']) {
    await bench.marked(lsn, repository)
    const compared = await bench.compare(origin, lsn, repository, { timeline: 1, dataDirectory: standby.dataDirectory })
    expect(compared).toBeGreaterThanOrEqual(7)
  }
  expect((await bench.conditions()).map(({ code }) => code)).not.toContain('WAL_GAP')
})

test('a standby that takes over is followed: its history, the end of the old timeline, and all that comes after', async () => {
  const standby = first as Standby
  const before = await bench.write(5 * mib)
  await bench.marked(before)
  await caughtUp(standby, before)
  await primary.stop('immediate')
  await expectFollowed(standby, 2)
})

test('and so is the one that takes over from it', async () => {
  const standby = first as Standby
  second = await startStandby({ ...primary, port: standby.port }, secondPort)
  await guardOn(second)
  const [row] = await standby.sql<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn')
  await caughtUp(second, parseLsn(row?.lsn ?? ''))
  await standby.stop()
  await expectFollowed(second, 3)
})

test('a server that is back beside it is named, and does not change where WAL is received from', async () => {
  const [old, standby] = [first as Standby, second as Standby]
  await old.restart()
  const named = `127.0.0.1:${old.port} takes writes on timeline 2, and 127.0.0.1:${secondPort} on timeline 3`
  await told(named)
  expect(await bench.stand.cli('wal', 'status', 'shop')).toMatchObject({ exitCode: 3, stdout: expect.stringContaining(named) })
  await bench.marked(await fill(standby), 'primary', 3)
  await old.stop()
  await until('nothing to be told of two servers', async () =>
    (await bench.conditions()).some(({ code }) => code === 'SOURCE_UNSUITABLE') ? undefined : true,
  )
})

test('one that takes over while the other lives on is archived from the fork on, and both are named', async () => {
  const old = second as Standby
  // At the first one's address, which is free.
  third = await startStandby({ ...primary, port: old.port }, primary.port)
  await guardOn(third)
  await third.promote()
  await fill(old)
  await expectArchived(third, 4)
  await told(`127.0.0.1:${old.port} takes writes on timeline 3, and 127.0.0.1:${third.port} on timeline 4`)
})

const told = (what: string) =>
  until(`a condition that says: ${what}`, async () => (await bench.conditions()).find(({ message }) => message.includes(what)))

async function expectFollowed(standby: Standby, timeline: number): Promise<void> {
  await standby.promote()
  const { fork, objects } = await expectArchived(standby, timeline)
  // The way to the end of the old timeline; where that is the end of a segment, there is no more.
  const old = `0000000${timeline - 1}`
  const rest = lsnToBytes(fork) % BigInt(bench.segmentBytes)
  expect(objects.filter(({ kind, file }) => kind === 'partial' && file.startsWith(old))).toHaveLength(rest === 0n ? 0 : 1)
}

async function expectArchived(standby: Standby, timeline: number): Promise<{ fork: Lsn; objects: WalObject[] }> {
  const after = await fill(standby)
  const name = historyFileName(timeline)
  for (const repository of ['primary', 'local']) await bench.marked(after, repository, timeline)
  const objects = await bench.objects()
  const history = objects.find(({ file }) => file === name)
  if (history === undefined) throw new Error(`there is no ${name}`)
  const original = await readFile(join(standby.dataDirectory, 'pg_wal', name))
  expect(original.equals(await bench.read(history))).toBe(true)
  const fork = parseTimelineHistory(original.toString(), timeline).ancestors.at(-1)?.endLsn ?? after
  const there = { timeline, dataDirectory: standby.dataDirectory }
  expect(await bench.compare(fork, after, 'primary', there)).toBeGreaterThanOrEqual(3)
  expect((await bench.conditions()).map(({ code }) => code)).not.toContain('WAL_GAP')
  return { fork, objects }
}

/** @returns where it is then */
async function fill(standby: Standby): Promise<Lsn> {
  await standby.sql(`insert into ballast select i, repeat(md5(i::text), 30) from generate_series(1, 4000) i`)
  const [row] = await standby.sql<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn')
  return parseLsn(row?.lsn ?? '')
}
