import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { parse, stringify } from 'yaml'
import { parseSystemName } from '../../src/domain/ids.js'
import { compareLsn, type Lsn, lsnToBytes, parseLsn } from '../../src/domain/lsn.js'
import { startPostgres } from '../servers/postgres.js'
import { type ArchiveBench, startArchiveBench, until } from './archive-bench.js'
import { killSeries, leftOf, strike, writeMeanwhile } from './kills.js'

/* One server, one archive, and what may happen to them, one after the other: at the end of each nothing is missing. */

vi.setConfig({ testTimeout: 240_000, hookTimeout: 180_000 })

const isLong = process.env.HOLDFAST_TEST_LONG === '1'
const mib = 2 ** 20
let bench: ArchiveBench
let origin: Lsn

beforeAll(async () => {
  bench = await startArchiveBench({ wal: { mode: 'stream', required: ['primary'], spool: { maxSize: '256MiB' } } })
  origin = await bench.flushed()
  expect(await bench.stand.cli('wal', 'start', 'shop')).toMatchObject({ exitCode: 0, stdout: 'wal/shop is started' })
})

afterAll(async () => {
  await bench?.close()
})

/** All of it, in every repository. */
async function expectNoGap(): Promise<void> {
  const lsn = await bench.write(1)
  await bench.marked(lsn)
  await bench.marked(lsn, 'local')
  await bench.compare(origin, lsn)
  await bench.compare(origin, lsn, 'local')
}

test('segments and marks arrive in every repository, and are what the server wrote', async () => {
  const lsn = await bench.write(40 * mib)
  await bench.marked(lsn)
  await bench.marked(lsn, 'local')
  expect(await bench.compare(origin, lsn)).toBeGreaterThanOrEqual(2)
  expect(await bench.compare(origin, lsn, 'local')).toBeGreaterThanOrEqual(2)
  const partials = await until('one partial segment', async () => {
    const found = (await bench.objects()).filter(({ kind }) => kind === 'partial')
    return found.length === 1 ? found : undefined
  })
  // Of the size of a segment, and the server's own bytes up to its end.
  expect((await bench.read(partials[0] as never)).length).toBe(16 * mib)
  // What jobs say of themselves comes with their heartbeats.
  const status = await until('a status with the actual RPO', async () => {
    const { exitCode, stdout } = await bench.stand.cli('wal', 'status', 'shop', '--json')
    const document = JSON.parse(stdout)
    return document.actualRpoMs === undefined ? undefined : { exitCode, document }
  })
  expect(status).toMatchObject({ exitCode: 0, document: { system: 'shop', conditions: [], actualRpoMs: expect.any(Number) } })
})

test('a server that writes nothing is proven to have written nothing, within the promise', async () => {
  const lsn = await bench.flushed()
  const first = await bench.marked(lsn)
  const later = await until('a later mark', async () => {
    const catalog = await bench.composition.catalog('primary' as never)
    for await (const mark of catalog.marks.list(parseSystemName('shop'))) {
      // The server itself writes a little now and then.
      if (compareLsn(mark.lsn, lsn) >= 0 && mark.at > first) return mark.at
    }
    return undefined
  })
  expect(Date.parse(later) - Date.parse(first)).toBeLessThan(30_000)
})

test.each(killSeries())('no kill of what archives leaves a gap: seeds $first to $last', async ({ kills }) => {
  await writeMeanwhile(bench, async () => {
    for (const trial of kills) await strike(bench, trial)
  })
  await expectNoGap()
})

test('S3 that is away is caught up with, and the server keeps what is not there', async () => {
  const { stand, postgres } = bench
  const guard = async () =>
    parseLsn((await postgres.sql<{ lsn: string }>('select restart_lsn::text as lsn from pg_replication_slots'))[0]?.lsn ?? '')
  await stand.proxy.pause()
  const held = async () => {
    const file = join(stand.stateDirectory, 'wal', 'shop', 'archived', 'primary.json')
    return JSON.parse(await readFile(file, 'utf8')).position.lsn as Lsn
  }
  const lsn = await bench.write(50 * mib)
  await bench.marked(lsn, 'local')
  expect((await bench.condition('STORE_UNAVAILABLE')).message).toContain('repository primary')
  const before = await guard()
  expect(compareLsn(before, await held())).toBeLessThanOrEqual(0)
  expect(compareLsn(before, lsn)).toBeLessThan(0)
  await stand.proxy.resume()
  await expectNoGap()
  await until('the guard moves on', async () => ((await guard()) !== before ? true : undefined))
})

// Minutes of it.
if (isLong) {
  test('S3 that is away for two minutes, while the server writes more than the spool holds, leaves no gap', {
    timeout: 600_000,
  }, async () => {
    const { stand, postgres } = bench
    await bench.marked(await bench.flushed())
    origin = await bench.flushed()
    // The slot alone keeps what is not in the bucket.
    await configure(`set max_slot_wal_keep_size = '4GB'`, `set wal_keep_size = 0`)
    await stand.proxy.pause()
    await writeMeanwhile(bench, async () => {
      await sleep(120_000)
      await until('more than the spool holds', async () =>
        lsnToBytes(await bench.flushed()) - lsnToBytes(origin) > 300 * mib ? true : undefined,
      )
    })
    const end = await bench.flushed()
    expect(await postgres.sql('select wal_status from pg_replication_slots')).not.toContainEqual({ wal_status: 'lost' })
    await bench.condition('STORE_UNAVAILABLE')
    // From here on it is kept for the comparison.
    await configure(`set wal_keep_size = '4GB'`)
    await stand.proxy.resume()
    await expectNoGap()
    origin = end
    await configure('reset max_slot_wal_keep_size', 'reset wal_keep_size')
  })
}

async function configure(...changes: readonly string[]): Promise<void> {
  for (const change of changes) await bench.postgres.sql(`alter system ${change}`)
  await bench.postgres.sql('select pg_reload_conf()')
}

// The smallest spool there may be takes half a minute to fill.
if (isLong) {
  test('a spool that is full leaves WAL on the server, as long as a required repository is away', async () => {
    const { stand, postgres } = bench
    const spool = join(stand.stateDirectory, 'wal', 'shop')
    const received = async () => JSON.parse(await readFile(join(spool, 'spool.json'), 'utf8')).received.lsn as Lsn
    await bench.marked(await bench.flushed())
    await stand.proxy.pause()
    await writeNoise(288)
    const { message } = await bench.condition('SPOOL_SHORT')
    expect(message).toMatch(/of WAL wait in the spool, which may hold 268 MB; nothing is received/)
    const receivers = () => postgres.sql('select pid from pg_stat_replication')
    await until('the receiver to end', async () => ((await receivers()).length === 0 ? true : undefined))
    const lsn = await writeNoise(32)
    expect(await receivers()).toEqual([])
    expect(lsnToBytes(lsn) - lsnToBytes(await received())).toBeGreaterThan(32 * mib)
    await stand.proxy.resume()
    await bench.marked(lsn)
    expect(await bench.compare(origin, lsn)).toBeGreaterThan(18)
    await until('no SPOOL_SHORT', async () =>
      (await bench.conditions()).some(({ code }) => code === 'SPOOL_SHORT') ? undefined : true,
    )
    // Some 300 MB that need not be read again.
    origin = lsn
  })
}

/** So many MiB of WAL that nothing makes smaller. @returns where the server is then */
async function writeNoise(mebibytes: number): Promise<Lsn> {
  await bench.postgres.sql(
    `with noise as materialized (select string_agg(decode(md5(random()::text || i), 'hex'), '') as bytes from generate_series(1, 65536) i)
     select count(pg_logical_emit_message(false, 'noise', bytes)) from noise, generate_series(1, ${mebibytes})`,
  )
  return bench.write(1)
}

test('a spool that is removed is made anew from what the server keeps', async () => {
  const { stand } = bench
  await stand.proxy.pause()
  await bench.write(40 * mib)
  // The receiver writes on meanwhile: a directory is not always empty when its turn comes.
  await rm(join(stand.stateDirectory, 'wal', 'shop'), { recursive: true, force: true, maxRetries: 10 })
  await bench.write(20 * mib)
  await stand.proxy.resume()
  await expectNoGap()
})

test('a slot that is gone is made anew, and told of', async () => {
  await bench.postgres.sql(`select pg_drop_replication_slot('holdfast_shop')`)
  expect((await bench.condition('WAL_SLOT_LOST')).message).toMatch(/the replication slot was gone; it was made anew at/)
  await expectNoGap()
})

test('another cluster on the same port is refused, and nothing of it is stored', async () => {
  const { postgres } = bench
  const before = (await bench.objects()).length
  await postgres.stop('fast')
  const other = await startPostgres({ major: 15, port: postgres.port })
  try {
    expect((await bench.condition('WAL_FOREIGN')).message).toContain(`127.0.0.1:${postgres.port} is the cluster`)
    await sleep(1000)
    const strangers = (await bench.objects()).filter(
      ({ systemIdentifier }, _, [first]) => systemIdentifier !== first?.systemIdentifier,
    )
    expect(strangers).toEqual([])
    expect((await bench.objects()).length).toBeLessThan(before + 3)
    expect(await other.sql('select slot_name from pg_replication_slots')).toEqual([])
  } finally {
    await other.dispose()
    await postgres.start()
  }
  await expectNoGap()
})

test('what cannot be started says so, and what runs is joined', async () => {
  const { stand } = bench
  const joined = await stand.cli('wal', 'start', 'shop', '--json')
  expect(joined.exitCode).toBe(0)
  expect(JSON.parse(joined.stdout)).toMatchObject({ workflowId: 'wal/shop', joined: true, runId: expect.any(String) })
  const unknown = await stand.cli('wal', 'start', 'shp')
  expect(unknown).toMatchObject({ exitCode: 4 })
  expect(unknown.stderr).toMatch(/there is no system "shp".*\n.*did you mean shop\?/s)
  const plain = join(stand.directory, 'without-wal.yaml')
  const config = parse(await readFile(stand.configPath, 'utf8'))
  delete config.systems.shop.wal
  await writeFile(plain, stringify(config), { mode: 0o600 })
  const refused = await stand.cli('wal', 'start', 'shop', '--config', plain, '--json')
  expect(refused.exitCode).toBe(2)
  expect(JSON.parse(refused.stdout)).toMatchObject({
    error: { code: 'CONFIG_INVALID', hint: expect.stringContaining('wal: { mode: stream, required') },
  })
})

test('the status says that no worker is there, and that it is well again', async () => {
  const { stand } = bench
  await bench.worker.stop()
  const alone = await stand.cli('wal', 'status', 'shop')
  bench.worker = await stand.startWorker()
  expect(alone.exitCode).toBe(3)
  expect(alone.stdout).toMatch(/^! no worker takes task queue holdfast: start `holdfast worker`$/m)
  // The slot that was dropped is told for an hour.
  const codes = await until('nothing but the slot', async () => {
    const { conditions, obstacles } = JSON.parse((await stand.cli('wal', 'status', 'shop', '--json')).stdout)
    return obstacles.length === 0 && conditions.length <= 1 ? conditions.map(({ code }: { code: string }) => code) : undefined
  })
  expect(codes).toEqual(['WAL_SLOT_LOST'])
})

test('stopping ends the jobs and leaves the slot, unless it is to go', async () => {
  const { stand, postgres } = bench
  const slots = () => postgres.sql('select slot_name from pg_replication_slots')
  const kept = await stand.cli('wal', 'stop', 'shop')
  expect(kept).toMatchObject({ exitCode: 0, stdout: 'archiving of shop is stopped' })
  expect(kept.stderr).toContain('the server goes on to keep WAL')
  expect(await leftOf(bench)).toEqual([])
  await expect.poll(() => postgres.sql('select pid from pg_stat_replication'), { timeout: 10_000 }).toEqual([])
  expect(await slots()).toHaveLength(1)
  expect((await stand.cli('wal', 'status', 'shop')).exitCode).toBe(4)
  await stand.cli('wal', 'start', 'shop')
  await expectNoGap()
  expect((await stand.cli('wal', 'stop', 'shop', '--drop-slot')).stderr).toContain('the replication slot is gone')
  expect(await slots()).toEqual([])
})
