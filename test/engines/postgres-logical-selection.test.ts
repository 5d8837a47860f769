import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Manifest } from '../../src/domain/manifest.js'
import type { Engine } from '../../src/engines/engine.js'
import { startPostgres, type TestPostgres } from '../servers/postgres.js'
import { type ArtifactFolder, createArtifactFolder } from './artifact-folder.js'
import { captureLogical, type RestoredServer, restoreLogical } from './logical-bench.js'
import { engineFor } from './postgres-fixture.js'

let server: TestPostgres
let folder: ArtifactFolder
let engine: Engine
let manifest: Manifest

beforeAll(async () => {
  server = await startPostgres({ major: 15 })
  for (const statement of original) await server.sql(statement)
  await server.sql('create schema sales create table invoices (id int primary key)', 'second')
  engine = engineFor(server)
  folder = await createArtifactFolder()
  manifest = await captureLogical(engine, folder)
})

afterAll(async () => {
  await folder?.remove()
  await server?.dispose()
})

const tables = `select n.nspname || '.' || relname as name from pg_class c join pg_namespace n on n.oid = relnamespace
  where relkind in ('r', 'p', 'm') and n.nspname !~ '^(pg_|information_schema)' order by 1`

async function namesIn(copy: RestoredServer, database: string): Promise<string[]> {
  return (await copy.sql<{ name: string }>(tables, database)).map(({ name }) => name)
}

describe('single tables of a logical backup', () => {
  let copy: RestoredServer

  beforeAll(async () => {
    copy = await restoreLogical({
      engine,
      folder,
      manifest,
      only: ['sales.orders', 'public.trades', 'SET.TABLE DATA'],
      serverVersion: '18',
    })
  })
  afterAll(() => copy?.remove())

  test('come alone, a partitioned one with its partitions, and nothing of other databases', async () => {
    expect(await namesIn(copy, 'postgres')).toEqual(['SET.TABLE DATA', 'public.trades', 'public.trades_2026', 'sales.orders'])
    expect(await copy.sql(`select count(*)::int as rows from trades`)).toEqual([{ rows: 100 }])
    expect(await copy.sql(`select datname from pg_database where datname = 'second'`)).toEqual([])
    const failed = [...copy.before, ...copy.running].filter(({ outcome }) => outcome === 'failed')
    expect(failed).toEqual([])
  })

  test('have their indexes, constraints, triggers, sequences, comments, privileges and types', async () => {
    const parts = `select (select count(*)::int from pg_index where indrelid = 'sales.orders'::regclass) as indexes,
        (select string_agg(contype::text, '' order by contype) from pg_constraint where conrelid = 'sales.orders'::regclass and contype <> 'n') as constraints,
        (select count(*)::int from pg_trigger where tgrelid = 'sales.orders'::regclass and not tgisinternal) as triggers,
        obj_description('sales.orders'::regclass) as comment, col_description('sales.orders'::regclass, 1) as of_column,
        has_table_privilege('reader', 'sales.orders', 'select') as may_read,
        (select count(*)::int from pg_inherits where inhparent = 'trades_pkey'::regclass) as attached_indexes`
    expect(await copy.sql(parts)).toEqual([
      {
        ...{ indexes: 2, constraints: 'cp', triggers: 1, comment: 'of the table', of_column: 'of the column' },
        ...{ may_read: true, attached_indexes: 1 },
      },
    ])
    expect(await copy.sql(`insert into sales.orders (amount) values (1) returning id, state`)).toEqual([
      { id: 501, state: 'open' },
    ])
  })

  test('say what could not be made without the rest', () => {
    expect(copy.before[0]).toMatchObject({
      ...{ name: 'statements', outcome: 'not-run' },
      message: expect.stringMatching(
        /^refused by the new server: postgres: ALTER TABLE ONLY sales\.orders ADD CONSTRAINT .* \(ERROR: .*sales\.customers/,
      ),
    })
  })
})

test('a partition that is asked for alone is a table of its own', async () => {
  const copy = await restoreLogical({ engine, folder, manifest, only: ['public.trades_2026'] })
  try {
    expect(await namesIn(copy, 'postgres')).toEqual(['public.trades_2026'])
    expect(copy.before[0]).toMatchObject({ name: 'statements', outcome: 'passed' })
    expect(await copy.sql('select count(*)::int as rows from trades_2026')).toEqual([{ rows: 100 }])
  } finally {
    await copy.remove()
  }
})

test('a table whose rows could not be copied without the rest fails the restore', async () => {
  await expect(restoreLogical({ engine, folder, manifest, only: ['public.quotes'] })).rejects.toMatchObject({
    code: 'RECOVERY_FAILED',
    message: expect.stringMatching(/^database postgres could not be restored: .*COPY failed for table "quotes"/),
  })
})

test('a schema comes with everything in it, from every database that has it', async () => {
  const copy = await restoreLogical({ engine, folder, manifest, only: ['sales'] })
  try {
    expect(await namesIn(copy, 'postgres')).toEqual(['sales.customers', 'sales.orders', 'sales.totals'])
    expect(await namesIn(copy, 'second')).toEqual(['sales.invoices'])
    expect(copy.before[0]).toMatchObject({ name: 'statements', outcome: 'passed' })
    expect(copy.running.filter(({ outcome }) => outcome === 'failed')).toEqual([])
    expect(await copy.sql('select count(*)::int as open from sales.open_orders')).toEqual([{ open: 500 }])
  } finally {
    await copy.remove()
  }
})

test.each([
  ['sales.oders', 'sales.orders'],
  ['Trades', 'public.trades'],
  ['orders', 'sales.orders'],
])('a name nothing is called by, %s, is refused before anything is fetched, with a near one', async (name, near) => {
  const read: string[] = []
  const reader = {
    ...folder.reader,
    read: ((artifact, consume) => {
      read.push(artifact.role)
      return folder.reader.read(artifact, consume)
    }) satisfies ArtifactFolder['reader']['read'],
  }
  await expect(engine.checkSelection({ manifest, reader, only: ['sales', name] })).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: `the backup has no schema and no table called ${name}`,
    hint: expect.stringContaining(near),
  })
  expect(read).toEqual(['inventory'])
})

test('a full backup is restored as a whole, and on its own major version', async () => {
  const facts = { ...manifest.facts, timeline: 1, startLsn: '0/1', stopLsn: '0/2', segmentSizeBytes: 1, tablespaces: [] }
  const { dumps: _, ...full } = facts as typeof facts & { dumps?: string }
  const backup = { ...manifest, kind: 'full', facts: full } as unknown as Manifest
  await expect(engine.checkSelection({ manifest: backup, reader: folder.reader, only: ['sales'] })).rejects.toMatchObject({
    code: 'NOT_SUPPORTED',
  })
  await expect(engine.binDirectoryFor(backup.facts, '18')).rejects.toMatchObject({ code: 'NOT_SUPPORTED' })
})

test('a dump is not given to an older version', async () => {
  await expect(engine.binDirectoryFor(manifest.facts, '14')).rejects.toMatchObject({ code: 'NOT_SUPPORTED' })
})

const original = [
  'create role reader',
  'create schema sales',
  'create schema "SET"',
  `create type state as enum ('open', 'closed')`,
  'create table sales.customers (id int primary key)',
  `create table sales.orders (id serial primary key, customer int references sales.customers, state state default 'open',
     amount int check (amount > 0))`,
  'insert into sales.orders (amount) select i from generate_series(1, 500) i',
  'create index by_amount on sales.orders (amount)',
  `create function checked() returns trigger language plpgsql as 'begin return new; end'`,
  'create trigger checked before insert on sales.orders for each row execute function checked()',
  `comment on table sales.orders is 'of the table'`,
  `comment on column sales.orders.id is 'of the column'`,
  'grant usage on schema sales to reader',
  'grant select on sales.orders to reader',
  'create view sales.open_orders as select * from sales.orders where state = $$open$$',
  'create materialized view sales.totals as select sum(amount) from sales.orders',
  'create table trades (id bigserial, at timestamptz, primary key (id, at)) partition by range (at)',
  `create table trades_2026 partition of trades for values from ('2026-01-01') to ('2027-01-01')`,
  `insert into trades (at) select '2026-01-01'::timestamptz + i * interval '1 hour' from generate_series(1, 100) i`,
  'create table "SET"."TABLE DATA" (id int generated always as identity)',
  'create table rates (currency text)',
  `insert into rates values ('EUR')`,
  `create function is_known(text) returns boolean language plpgsql as
     'begin return exists (select from public.rates where currency = $1); end'`,
  'create table quotes (currency text check (is_known(currency)))',
  `insert into quotes values ('EUR')`,
  'create database second',
]
