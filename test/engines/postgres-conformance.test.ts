import pg from 'pg'
import { expect } from 'vitest'
import { startPostgres, type TestPostgresOptions } from '../servers/postgres.js'
import { type ConformanceSource, describeEngineConformance } from './engine-conformance.js'
import { engineFor } from './postgres-fixture.js'

describeEngineConformance('PostgreSQL 15, configured from outside its data directory, with large WAL segments', () =>
  makeSource({ major: 15, tablespace: true, configuration: 'outside', walSegmentSizeMb: 32 }),
)
describeEngineConformance('PostgreSQL 18', () => makeSource({ major: 18, tablespace: true }))

async function makeSource(options: TestPostgresOptions): Promise<ConformanceSource> {
  const settings = { max_connections: '137', max_prepared_transactions: '7', archive_mode: 'on', archive_command: '/bin/true' }
  const server = await startPostgres({ ...options, settings })
  await server.fillSample(20_000)
  for (const statement of troublesome) await server.sql(statement)
  await server.sql('create table "Ünïcode ""quoted"" table" (id int primary key)', 'Odd "name"; --')
  await server.sql('insert into "Ünïcode ""quoted"" table" values (1), (2)', 'Odd "name"; --')
  return {
    engine: engineFor(server),
    expectedNotes: [
      // The build of 18 used here knows no zstd at all.
      ...(options.major === 18 ? ['compressed by Holdfast, not by the server'] : []),
      expect.stringMatching(/^1 database was left behind by an interrupted DROP DATABASE/),
    ],
    async contents(connection) {
      const target = connection === 'source' ? { host: server.host, port: server.port } : connection
      return {
        main: await ask(
          target,
          server.password,
          'postgres',
          'select count(*), sum(id), md5(string_agg(content, $$$$ order by id)) from sample',
        ),
        fast: await ask(target, server.password, 'postgres', 'select count(*), sum(id) from fast_table'),
        odd: await ask(target, server.password, 'Odd "name"; --', 'select sum(id) from "Ünïcode ""quoted"" table"'),
        fastSettings: await ask(target, server.password, 'postgres', 'show max_connections'),
      }
    },
    dispose: () => server.dispose(),
  }
}

/** Each of these has broken somebody's restore. */
const troublesome = [
  'create table fast_table tablespace fast as select i as id from generate_series(1, 5000) i',
  'create unlogged table scratch as select 1 as id',
  'create view doubled as select id * 2 as twice from sample',
  'create materialized view filled as select count(*) as rows from sample',
  // A partition that is somebody else's, with nobody there to ask.
  'create foreign data wrapper elsewhere; create server production foreign data wrapper elsewhere',
  'create table parted (id int) partition by list (id); create table parted_here partition of parted for values in (1)',
  'create foreign table parted_there partition of parted for values in (2) server production',
  // An interrupted DROP DATABASE.
  'create database interrupted',
  `update pg_database set datconnlimit = -2 where datname = 'interrupted'`,
  'create materialized view empty as select 1 as id with no data',
  `create function noisy() returns int language sql as 'select 1'`,
  'create database "Odd ""name""; --"',
  // Settings of the original that would keep a copy from starting, or make it do the original's work.
  `alter system set recovery_target_time = '2020-01-01 00:00:00 UTC'`,
  `alter system set primary_conninfo = 'host=production.example'`,
  `alter system set restore_command = 'touch /nonexistent/file'`,
  `alter system set synchronous_standby_names = ''`,
  `alter system set work_mem = '5MB'`,
]

async function ask(
  target: { host: string; port: number },
  password: string,
  database: string,
  query: string,
): Promise<unknown[]> {
  const client = new pg.Client({ ...target, user: 'postgres', password, database })
  await client.connect()
  try {
    return (await client.query(query)).rows
  } finally {
    await client.end()
  }
}
