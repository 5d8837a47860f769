import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Manifest } from '../../src/domain/manifest.js'
import type { Engine } from '../../src/engines/engine.js'
import { startPostgres, type TestPostgres } from '../servers/postgres.js'
import { type ArtifactFolder, createArtifactFolder } from './artifact-folder.js'
import { captureLogical, type RestoredServer, restoreLogical } from './logical-bench.js'
import { engineFor } from './postgres-fixture.js'

const odd = 'Odd "name"; -- = \\ \'ünïcode\''

let server: TestPostgres
let engine: Engine
let folder: ArtifactFolder
let manifest: Manifest

beforeAll(async () => {
  server = await startPostgres({ major: 15, tablespace: true })
  for (const statement of original) await server.sql(statement)
  await server.sql(oddContents.join('; '), odd)
  engine = engineFor(server)
  folder = await createArtifactFolder(meanwhile)
  manifest = await captureLogical(engine, folder)
})

afterAll(async () => {
  await folder?.remove()
  await server?.dispose()
})

/** Once the first dump has begun, which is not of `postgres`, and when that of `postgres` begins. */
async function meanwhile(artifact: string): Promise<void> {
  if (artifact === '5.dump') {
    await server.sql('begin read write; revoke select on large object 4712 from leaver; commit', odd)
    await server.sql('drop role leaver')
  }
  if (!artifact.endsWith('.dump') || (await server.sql(`select from pg_roles where rolname = 'latecomer'`)).length > 0) return
  await server.sql('create role latecomer; grant select on large object 4711 to latecomer')
}

test('a logical backup holds roles, a dump of each database by its OID, and an inventory; no name is in the plain manifest', () => {
  expect(manifest.artifacts.map(({ role }) => role)).toEqual(['globals', 'dump', 'dump', 'dump', 'inventory'])
  for (const { role, name, database } of manifest.artifacts) if (role === 'dump') expect(name).toBe(`${database}.dump.zst`)
  expect(JSON.stringify(manifest)).not.toContain('Odd')
  expect(manifest.facts).toMatchObject({ dumps: 'custom', serverVersionNumber: expect.any(Number) })
  expect(manifest.notes).toEqual([expect.stringMatching(/^1 database was left behind by an interrupted DROP DATABASE/)])
})

describe.each(['15', '18'])('dumps of 15, restored into a new server of %s', (serverVersion) => {
  let copy: RestoredServer

  beforeAll(async () => {
    copy = await restoreLogical({ engine, folder, manifest, serverVersion })
  })
  afterAll(() => copy?.remove())

  test('are the version that was asked for, and pass every check that can be made', async () => {
    expect(await copy.sql(`select split_part(current_setting('server_version'), '.', 1) as major`)).toEqual([
      { major: serverVersion },
    ])
    const failed = [...copy.before, ...copy.running].filter(({ outcome }) => outcome === 'failed')
    expect(failed).toEqual([])
    expect(copy.before[0]).toMatchObject({ name: 'statements', outcome: 'passed' })
    const ofSchemas = copy.running.filter(({ name }) => name.startsWith('schema of'))
    expect(ofSchemas.map(({ outcome }) => outcome)).toEqual(Array(3).fill(serverVersion === '15' ? 'passed' : 'not-run'))
  })

  test('have the same contents, with large objects, under names of all kinds', async () => {
    for (const [query, database] of questions) expect(await copy.sql(query, database)).toEqual(await server.sql(query, database))
  })

  test('have the roles, their passwords, memberships and privileges', async () => {
    const roles = `select rolname, rolcanlogin, rolpassword, setconfig from pg_authid a
      left join pg_db_role_setting s on s.setrole = a.oid where rolname !~ '^pg_|^leaver$' order by 1`
    expect(await copy.sql(roles)).toEqual(await server.sql(roles))
    const allowed = `select has_table_privilege('Reader "r"', 'sales.orders', 'select') as may_read,
        has_table_privilege('Reader "r"', 'sales.orders', 'insert') as may_write, pg_has_role('alice', 'Reader "r"', 'member') as member`
    expect(await copy.sql(allowed)).toEqual([{ may_read: true, may_write: false, member: true }])
  })

  test('have a role that was made while they were taken, and what it was granted', async () => {
    const granted = `select grantee::regrole::text as role from pg_largeobject_metadata, aclexplode(lomacl) where grantee <> lomowner`
    expect(await copy.sql(granted)).toEqual([{ role: 'latecomer' }])
  })

  test('have a role that was dropped after a dump that names it, which nobody can log in as', async () => {
    const granted = `select rolname as role, rolcanlogin as login
      from pg_largeobject_metadata, aclexplode(lomacl) join pg_roles r on r.oid = grantee where grantee <> lomowner`
    expect(await copy.sql(granted, odd)).toEqual([{ role: 'leaver', login: false }])
  })

  test('archive nothing and wait for no standby', async () => {
    expect(
      await copy.sql(`select current_setting('archive_mode') as mode, current_setting('synchronous_standby_names') as names`),
    ).toEqual([{ mode: 'off', names: '' }])
  })

  test('are there again after a restart', async () => {
    await copy.place.provisioner.stop(copy.instance, new AbortController().signal)
    await copy.place.provisioner.start(copy.instance, new AbortController().signal)
    expect(await copy.sql('select count(*)::int as orders from sales.orders')).toEqual([{ orders: 500 }])
  })
})

const original = [
  `create role "Reader ""r""" nologin`,
  `create role alice login password 'secret' in role "Reader ""r"""`,
  `alter role alice set work_mem = '7MB'`,
  'create role leaver login',
  'create schema sales authorization alice',
  `create type sales.state as enum ('open', 'closed')`,
  'create table sales.customers (id int primary key, name text not null)',
  `create table sales.orders (id serial primary key, customer int references sales.customers, state sales.state not null default 'open',
     gone int, amount numeric(10, 2) check (amount > 0))`,
  'alter table sales.orders drop column gone',
  `insert into sales.customers select i, 'customer ' || i from generate_series(1, 50) i`,
  'insert into sales.orders (customer, amount) select i % 50 + 1, i from generate_series(1, 500) i',
  'create index by_customer on sales.orders (customer)',
  'create view sales.open_orders as select * from sales.orders where state = $$open$$',
  'create materialized view sales.totals as select customer, sum(amount) from sales.orders group by 1',
  'grant usage on schema sales to "Reader ""r"""',
  'grant select on all tables in schema sales to "Reader ""r"""',
  'create table public.trades (id bigserial, at timestamptz, primary key (id, at)) partition by range (at)',
  `create table public.trades_2026 partition of public.trades for values from ('2026-01-01') to ('2027-01-01')`,
  `insert into public.trades (at) select '2026-01-01'::timestamptz + i * interval '1 hour' from generate_series(1, 100) i`,
  'create table public.on_fast tablespace fast as select 1 as id',
  `select lo_from_bytea(4711, decode(repeat('c0ffee', 40000), 'hex'))`,
  'alter large object 4711 owner to alice',
  'create database "empty one" owner alice',
  'create database interrupted',
  `update pg_database set datconnlimit = -2 where datname = 'interrupted'`,
  'create foreign data wrapper elsewhere; create server production foreign data wrapper elsewhere',
  'create table parted (id int) partition by list (id); create table parted_here partition of parted for values in (1)',
  'create foreign table parted_there partition of parted for values in (2) server production',
  `create database "${odd.replaceAll('"', '""')}" tablespace fast`,
  `alter database "${odd.replaceAll('"', '""')}" set work_mem = '6MB'`,
]

const oddContents = [
  'select lo_create(4712)',
  'grant select on large object 4712 to leaver',
  `alter database "${odd.replaceAll('"', '""')}" set default_transaction_read_only = on`,
  'create schema "Ünïcode ""schema"""',
  'create table "Ünïcode ""schema"""."Tab.le; --" (id int primary key, "Col ""1""" text)',
  `insert into "Ünïcode ""schema"""."Tab.le; --" values (1, E'a\\nb'), (2, null)`,
]

const questions: readonly (readonly [string, string])[] = [
  ['select count(*)::int, sum(amount) from sales.orders', 'postgres'],
  ['select id, customer, state, amount from sales.open_orders order by id limit 3', 'postgres'],
  ['select * from sales.totals order by 1', 'postgres'],
  ['select count(*)::int, max(id), max(at) from trades_2026', 'postgres'],
  [`select nextval('sales.orders_id_seq') - last_value as next from sales.orders_id_seq`, 'postgres'],
  [
    'select loid::text, sum(length(data))::int as bytes, md5(string_agg(data, null order by pageno)) from pg_largeobject group by 1',
    'postgres',
  ],
  ['select pg_get_userbyid(lomowner) as owner from pg_largeobject_metadata', 'postgres'],
  ['select id from on_fast', 'postgres'],
  ['select pg_get_userbyid(datdba) as owner from pg_database where datname = current_database()', 'empty one'],
  ['select * from "Ünïcode ""schema"""."Tab.le; --" order by 1', odd],
  [
    `select current_setting('work_mem') as memory, datcollate, pg_encoding_to_char(encoding)
     from pg_database where datname = current_database()`,
    odd,
  ],
]
