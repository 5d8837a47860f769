import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { parseDatabaseName, parseRepositoryName, parseSystemName, type SystemName } from '../../src/domain/ids.js'
import type { DatabaseRestoreReport, DatabaseRestoreRequest } from '../../src/domain/operations.js'
import {
  dropOwnDatabase,
  findDatabase,
  makeOwnDatabase,
  markOf,
  type OwnDatabase,
  runName,
} from '../../src/engines/postgres/logical/own-database.js'
import { startPostgres, type TestPostgres } from '../servers/postgres.js'
import { awaitJob, killJob } from '../stand/job-processes.js'
import { connectOperations, type Operations } from '../stand/operations.js'
import { type Stand, startStand } from '../stand/stand.js'
import type { WorkerProcess } from '../stand/worker-process.js'

const odd = 'Odd "name"; = \\ \'ünï/1\''

const oddName = parseDatabaseName(odd)
const small = parseDatabaseName('small')
const inLab = parseSystemName('lab')
const primary = parseRepositoryName('primary')

let stand: Stand
let operations: Operations
/** PostgreSQL 18, the system `lab`; `shop` is the stand's own, 15. `limited` is `lab` with a role that may little. */
let lab: TestPostgres
let worker: WorkerProcess
let before: readonly string[]

beforeAll(async () => {
  stand = await startStand({ kinds: { logical: { databases: [odd, 'small'] } }, timeouts: { heartbeat: '2s' } })
  lab = await startPostgres({ major: 18, directory: stand.directory })
  await addSystems()
  for (const statement of original) await stand.postgres.sql(statement)
  await stand.postgres.sql(contents.join('; '), odd)
  await stand.postgres.sql(`create schema sales create table orders (id int primary key)`, 'small')
  worker = await stand.startWorker()
  operations = await connectOperations(stand.temporal.address)
  expect(await stand.cli('backup', 'shop', '--kind', 'logical')).toMatchObject({ exitCode: 0 })
  before = await databasesOf(lab)
})

afterAll(async () => {
  await operations?.close()
  await worker?.stop()
  await lab?.dispose()
  await stand?.close()
})

const lacks = (names: string) => expect.stringMatching(`lacks roles that database .* needs: ${names}$`)
const refusals: readonly (readonly [
  what: string,
  database: string,
  request: Partial<DatabaseRestoreRequest>,
  refusal: object,
])[] = [
  ['roles that the server lacks', 'copy', { from: oddName }, { code: 'SOURCE_UNSUITABLE', message: lacks('Reader "r", alice') }],
  ['roles in policies, also without owners', 'copy', { from: oddName, owners: 'drop' }, { message: lacks('Reader "r"') }],
  ['a name that is taken', 'postgres', { from: small }, { code: 'ALREADY_EXISTS' }],
  ['no choice of several databases', 'copy', {}, { code: 'USAGE', message: expect.stringMatching(/Odd "name".*, small$/) }],
  ['a database that is not in the backup', 'copy', { from: parseDatabaseName('smal') }, { code: 'NOT_FOUND' }],
  ['a table that is not in the database', 'copy', { from: small, only: ['public.sample'] }, { code: 'NOT_FOUND' }],
]

test.each(refusals)('%s: refused before anything is fetched', async (_what, database, request, refusal) => {
  const asked = stand.proxy.requests.length
  const { ending } = await operations.restoreDatabase(database, { into: inLab, repository: primary, ...request })
  expect(await ending).toMatchObject({ outcome: 'failed', ...refusal })
  const dumps = stand.proxy.requests.slice(asked).filter(({ operation, key }) => operation === 'Get' && key.includes('.dump'))
  expect(dumps).toEqual([])
  expect(await databasesOf(lab)).toEqual(before)
})

test('a role that may not make databases, or not for their owners, is told what to be granted', async () => {
  await lab.sql(`create role limited login password 'limited'`)
  const limited = (...more: readonly string[]) =>
    stand.cli('restore', 'shop', '--into', 'limited', '--database', 'owned', '--from-database', 'small', ...more)
  expect(await limited()).toMatchObject({ exitCode: 6, stderr: expect.stringContaining('alter role "limited" createdb') })
  await lab.sql('alter role limited createdb')
  expect(await limited()).toMatchObject({ exitCode: 6, stderr: expect.stringContaining('grant "postgres" to "limited"') })
  const done = await limited('--no-owner')
  expect(done, done.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`-p ${lab.port} -U limited -d owned`) })
  expect(await lab.sql(`select pg_get_userbyid(datdba) as owner from pg_database where datname = 'owned'`)).toEqual([
    { owner: 'limited' },
  ])
  await lab.sql('drop database owned')
})

test('dumps of 15 become a database of 18 with everything the original has, under a name of its own', async () => {
  for (const role of roles) await lab.sql(role)
  const done = await stand.cli(
    ...['restore', 'shop', '--into', 'lab', '--database', `${odd} 2`, '--from-database', odd],
    ...['--repository', 'primary', '--json'],
  )
  expect(done, done.stdout).toMatchObject({ exitCode: 0 })
  const report = JSON.parse(done.stdout) as DatabaseRestoreReport
  expect(report).toMatchObject({
    ...{ into: 'lab', database: `${odd} 2`, system: 'shop', from: odd, repositories: ['primary'] },
    problems: [`the server refused the original's setting of default_tablespace`],
    connection: { host: '127.0.0.1', port: lab.port, user: 'postgres' },
  })
  expect(report.checks.map(({ outcome }) => outcome)).toEqual(['passed', 'not-run', 'passed'])
  for (const question of questions) {
    expect(await lab.sql(question, `${odd} 2`)).toEqual(await stand.postgres.sql(question, odd))
  }
  expect(await databasesOf(lab)).toEqual([...before, `${odd} 2`].sort())
})

test('parts go back into the server of 15, from the bucket where the dump in the directory is damaged, which is named', async () => {
  const dumps = await damageDumps()
  const only = ['public.sample']
  const restoring = await operations.restoreDatabase('part', { from: oddName, only, owners: 'drop' })
  const ending = await restoring.ending
  if (ending.outcome === 'failed') throw new Error(ending.message)
  const { report } = ending
  expect(dumps).toContain(/^(\S+) in repository local is damaged/.exec(report.problems[0] ?? '')?.[1])
  expect(report.checks.filter(({ outcome }) => outcome === 'failed')).toEqual([])
  const seen = `select (select count(*)::int from sample) as rows, to_regclass('sales.orders') as rest,
    (select string_agg(distinct tableowner, ' ') from pg_tables where schemaname = 'public') as owners`
  expect(await stand.postgres.sql(seen, 'part')).toEqual([{ rows: 20_000, rest: null, owners: 'postgres' }])
  await stand.postgres.sql('drop database part')
})

test('an older server is refused; another sort order is kept', async () => {
  await lab.sql(`create database sorted template template0 locale_provider builtin builtin_locale 'C.UTF-8'`)
  expect(await stand.cli('backup', 'lab', '--kind', 'logical')).toMatchObject({ exitCode: 0 })
  const restore = async (into: SystemName) => (await operations.restoreDatabase('resorted', { system: inLab, into })).ending
  expect(await restore(parseSystemName('shop'))).toMatchObject({
    code: 'NOT_SUPPORTED',
    message: expect.stringContaining('a dump of PostgreSQL 18 is not understood by 15'),
  })
  expect(await restore(inLab)).toMatchObject({ outcome: 'done', report: { from: 'sorted' } })
  expect(await lab.sql(`select datlocprovider, datlocale from pg_database where datname = 'resorted'`)).toEqual([
    { datlocprovider: 'b', datlocale: 'C.UTF-8' },
  ])
  for (const name of ['sorted', 'resorted']) await lab.sql(`drop database ${name}`)
})

test('a worker and a job that are killed in the middle are followed by others, which begin anew', async () => {
  const restoring = await slowRestore('killed')
  const first = await half('killed')
  expect(await killJob(await awaitJob(stand.stateDirectory, { kind: 'fill', system: 'shop' }))).toBe('without a result')
  await worker.kill()
  stand.proxy.limitRate(undefined)
  worker = await stand.startWorker()
  expect(await restoring.ending).toMatchObject({ outcome: 'done', report: { database: 'killed' } })
  expect(await rowsIn('killed')).toBe(20_000)
  const [found] = await lab.sql<{ oid: string }>(`select oid::text as oid from pg_database where datname = 'killed'`)
  expect(found?.oid).not.toBe(first)
  await lab.sql('drop database killed')
  expect(await databasesOf(lab)).toEqual([...before, `${odd} 2`].sort())
  expect(await readdir(join(stand.stateDirectory, 'jobs'))).toEqual([])
})

test('a cancelled restore drops its database, and nothing of it is left', async () => {
  const restoring = await slowRestore('unwanted')
  await half('unwanted')
  await restoring.handle.cancel()
  expect(await restoring.ending).toMatchObject({ outcome: 'failed', code: 'STOPPED' })
  stand.proxy.limitRate(undefined)
  expect(await databasesOf(lab)).toEqual([...before, `${odd} 2`].sort())
  expect(await readdir(join(stand.stateDirectory, 'jobs'))).toEqual([])
  expect(await lab.sql(`select pid from pg_stat_activity where application_name like 'holdfast restore%'`)).toEqual([])
})

test('only what carries the mark of a run is dropped for it, at whatever moment the run broke off', async () => {
  const { signal } = new AbortController()
  const owner = { workflowId: 'restore/lab/own', runId: 'b0a7c9de-0000-4000-8000-000000000000' }
  const address = { host: lab.host, port: lab.port, label: 'lab' }
  const access = { user: lab.user, password: lab.password, database: 'postgres', connectTimeoutMs: 5000 }
  const own: OwnDatabase = { access: { ...access, applicationName: runName(owner) }, address, name: 'own', owner }
  const commentOf = async (name: string) =>
    (await findDatabase({ address, rows: (sql, values) => ask(sql, values) }, name))?.comment
  const ask = async <Row>(sql: string, values: readonly unknown[] = []) =>
    (await lab.sql(sql.replace('$1', `'${values[0]}'`))) as Row[]

  await makeOwnDatabase(own, 'template template0', signal)
  expect(await commentOf('own')).toBe(markOf(owner))
  await dropOwnDatabase({ ...own, owner: { ...owner, runId: 'another' } }, signal)
  expect(await commentOf('own')).toBe(markOf(owner))
  await dropOwnDatabase(own, signal)
  // Before it had its name, and before it had its mark.
  await lab.sql(`create database "${runName(owner)}"`)
  await lab.sql(`create database own`)
  await expect(makeOwnDatabase(own, 'template template0', signal)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
  expect(await commentOf(runName(owner))).toBe(markOf(owner))
  await dropOwnDatabase(own, signal)
  expect(await databasesOf(lab)).toEqual([...before, `${odd} 2`, 'own'].sort())
  await lab.sql(`drop database own`)
})

async function slowRestore(database: string) {
  stand.proxy.limitRate(512 * 1024)
  return operations.restoreDatabase(database, { into: inLab, from: oddName, repository: primary })
}

/** When there is a table in it, and before its rows are all there. @returns its OID */
async function half(database: string): Promise<string> {
  for (;;) {
    const found = await lab
      .sql<{ oid: string }>(
        `select oid::text as oid from pg_database where datname = current_database() and to_regclass('sample') is not null`,
        database,
      )
      .catch(() => [])
    if (found[0] !== undefined) return found[0].oid
  }
}

async function rowsIn(database: string): Promise<number | undefined> {
  return (await lab.sql<{ rows: number }>('select count(*)::int as rows from sample', database))[0]?.rows
}

async function databasesOf({ sql }: TestPostgres): Promise<string[]> {
  return (await sql<{ name: string }>('select datname as name from pg_database')).map(({ name }) => name).sort()
}

async function addSystems(): Promise<void> {
  const config = parse(await readFile(stand.configPath, 'utf8'))
  const { shop } = config.systems
  const passwordFile = join(stand.directory, 'limited.password')
  await writeFile(passwordFile, 'limited', { mode: 0o600 })
  const connection = { ...shop.connection, hosts: [`127.0.0.1:${lab.port}`] }
  config.systems.lab = { ...shop, connection, kinds: { logical: { databases: ['sorted'] } } }
  config.systems.limited = { ...shop, connection: { ...connection, user: 'limited', password: { file: passwordFile } } }
  await writeFile(stand.configPath, stringify(config), { mode: 0o600 })
}

/** Flips a byte in the middle of each. @returns the artifacts' names */
async function damageDumps(): Promise<string[]> {
  const directory = join(stand.directory, 'local')
  const files = (await readdir(directory, { recursive: true })).filter((path) => path.endsWith('.dump.zst.enc'))
  for (const file of files) {
    const bytes = await readFile(join(directory, file))
    const middle = Math.floor(bytes.length / 2)
    bytes[middle] = (bytes[middle] ?? 0) ^ 1
    await chmod(join(directory, file), 0o600)
    await writeFile(join(directory, file), bytes)
  }
  return files.map((file) => basename(file))
}

const quoted = `"${odd.replaceAll('"', '""')}"`

const roles = [`create role "Reader ""r""" nologin`, 'create role alice nologin in role "Reader ""r"""']

const original = [
  ...roles,
  `create database ${quoted} owner alice`,
  'create database small',
  `comment on database ${quoted} is 'what it''s for \\'`,
  `revoke all on database ${quoted} from public`,
  `grant connect on database ${quoted} to "Reader ""r""" with grant option`,
  `alter database ${quoted} set search_path = "$user", 'Ünïcode "schema"', public`,
  `alter database ${quoted} set default_transaction_read_only = on`,
  `alter database ${quoted} set default_tablespace = fast`,
]

const contents = [
  'set default_transaction_read_only = off',
  'begin read write',
  `create table public.sample as select i as id, c.content from generate_series(1, 20000) i,
     lateral (select string_agg(md5(i || '-' || j), '') as content from generate_series(1, 7) j) c`,
  'create schema "Ünïcode ""schema""" authorization alice',
  'create schema sales authorization alice',
  'create table sales.orders (id serial primary key, amount int check (amount > 0))',
  'alter table sales.orders owner to alice',
  'insert into sales.orders (amount) select i from generate_series(1, 500) i',
  'create index by_amount on sales.orders (amount)',
  'grant select on sales.orders to "Reader ""r"""',
  'alter table sales.orders enable row level security',
  'create policy small on sales.orders to "Reader ""r""" using (amount < 100)',
  `select lo_from_bytea(4711, decode(repeat('c0ffee', 4000), 'hex'))`,
  'commit',
]

const questions: readonly string[] = [
  'select count(*)::int as rows, md5(string_agg(content, chr(10) order by id)) as digest from public.sample',
  'select count(*)::int as rows, sum(amount) from sales.orders',
  `select tableowner, rowsecurity from pg_tables where tablename = 'orders'`,
  'select policyname, roles::text[], qual from pg_policies',
  `select has_table_privilege('Reader "r"', 'sales.orders', 'select') as may_read, has_table_privilege('Reader "r"', 'sales.orders', 'insert') as may_write`,
  `select loid::text, sum(length(data))::int as bytes from pg_largeobject group by 1`,
  `select pg_encoding_to_char(encoding) as encoding, datcollate, datctype, pg_get_userbyid(datdba) as owner, datacl::text, datconnlimit,
     shobj_description(oid, 'pg_database') as comment from pg_database where datname = current_database()`,
  `select array_remove(setconfig, 'default_tablespace=fast') as settings from pg_db_role_setting s join pg_database d on d.oid = setdatabase where datname = current_database()`,
]
