import { chown, mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { SystemUser } from '../../src/process/command.js'
import { runProgram } from '../../src/process/run-program.js'
import { currentUser, findUser } from '../../src/process/users.js'
import { freePort } from './free-port.js'

export interface TestPostgresOptions {
  readonly major: 15 | 18
  /** Directory of its programs; `postgresPrograms` where left out. */
  readonly programs?: string
  /** Above the server's own directory; a directory of the system's for temporary files without it. */
  readonly directory?: string
  readonly port?: number
  readonly settings?: Readonly<Record<string, string>>
  /** Lines put before the usual ones of pg_hba.conf. */
  readonly hostAccess?: readonly string[]
  /** `outside`: postgresql.conf, pg_hba.conf and pg_ident.conf are moved out of the data directory, as Debian has them. */
  readonly configuration?: 'inside' | 'outside'
  /** Makes a tablespace `fast` with a directory of its own. */
  readonly tablespace?: boolean
  readonly walSegmentSizeMb?: number
  readonly checksums?: 'on' | 'off'
}

/** A PostgreSQL server of the test's own, on a loopback port. */
export interface TestPostgres {
  readonly major: 15 | 18
  readonly host: '127.0.0.1'
  readonly port: number
  /** The superuser, and its password. */
  readonly user: 'postgres'
  readonly password: string
  readonly directory: string
  readonly dataDirectory: string
  readonly binDirectory: string
  /** Rows of one statement, as superuser in `postgres` or the named database. */
  sql<Row extends pg.QueryResultRow>(query: string, database?: string): Promise<Row[]>
  /** A table `sample` of `rows` rows, about 250 bytes each. */
  fillSample(rows: number): Promise<void>
  start(): Promise<void>
  stop(mode?: 'fast' | 'immediate'): Promise<void>
  restartImmediate(): Promise<void>
  /** Stops it and removes everything. */
  dispose(): Promise<void>
}

/** Directory of the server's programs; 18 is put there by `make setup`. */
export function postgresPrograms(major: 15 | 18): string {
  if (major === 15) return '/usr/lib/postgresql/15/bin'
  return process.env.HOLDFAST_PG18_BIN ?? fileURLToPath(new URL('../../.tools/postgresql-18/bin', import.meta.url))
}

/** The user servers run as in tests. */
export function serverUser(): Promise<SystemUser> {
  const current = currentUser()
  return current.uid === 0 ? findUser('postgres') : Promise.resolve(current)
}

export async function startPostgres(options: TestPostgresOptions): Promise<TestPostgres> {
  const user = await serverUser()
  const directory = await mkdtemp(join(options.directory ?? tmpdir(), 'pg-'))
  await chown(directory, user.uid, user.gid)
  const server = describeServer(options, directory, options.port ?? (await freePort()), user)
  await initialise(server, options, user)
  await server.start()
  if (options.tablespace === true) {
    const location = join(directory, 'fast')
    await mkdir(location, { mode: 0o700 })
    await chown(location, user.uid, user.gid)
    await server.sql(`create tablespace fast location '${location}'`)
  }
  return server
}

function describeServer(options: TestPostgresOptions, directory: string, port: number, user: SystemUser): TestPostgres {
  const dataDirectory = join(directory, 'data')
  const binDirectory = options.programs ?? postgresPrograms(options.major)
  const password = 'p w:"\\@/%41'
  const control = (...args: string[]) =>
    runProgram({ program: join(binDirectory, 'pg_ctl'), args: ['-D', dataDirectory, '-s', ...args], cwd: '/', runAs: user }, {})
  const configFile =
    options.configuration === 'outside' ? ['-o', `-c config_file=${join(directory, 'etc', 'postgresql.conf')}`] : []

  const server: TestPostgres = {
    major: options.major,
    host: '127.0.0.1',
    port,
    user: 'postgres',
    password,
    directory,
    dataDirectory,
    binDirectory,
    async sql<Row extends pg.QueryResultRow>(query: string, database = 'postgres') {
      const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password, database })
      client.on('error', () => {})
      await client.connect()
      try {
        return (await client.query<Row>(query)).rows
      } finally {
        await client.end()
      }
    },
    async fillSample(rows) {
      await server.sql(
        `create table sample as select i as id, repeat(md5(i::text), 7) as content from generate_series(1, ${rows}) i`,
      )
    },
    start: async () => void (await control('start', '-w', '-l', join(directory, 'server.log'), ...configFile)),
    stop: async (mode = 'fast') => void (await control('stop', '-w', '-m', mode)),
    async restartImmediate() {
      await server.stop('immediate')
      await server.start()
    },
    async dispose() {
      await control('stop', '-w', '-m', 'immediate').catch(() => {})
      await rm(directory, { recursive: true, force: true })
    },
  }
  return server
}

async function initialise(server: TestPostgres, options: TestPostgresOptions, user: SystemUser): Promise<void> {
  const passwordFile = join(server.directory, 'password')
  await writeFile(passwordFile, `${server.password}\n`)
  const args = [
    ...['-D', server.dataDirectory, '-U', 'postgres', '--no-sync', '-E', 'UTF8', '--locale=C.UTF-8', '-A', 'scram-sha-256'],
    ...[`--pwfile=${passwordFile}`, ...(options.checksums === 'off' ? noChecksums(options.major) : ['-k'])],
    ...(options.walSegmentSizeMb === undefined ? [] : [`--wal-segsize=${options.walSegmentSizeMb}`]),
  ]
  await runProgram({ program: join(server.binDirectory, 'initdb'), args, cwd: '/', runAs: user }, {})
  const lines = Object.entries({
    port: String(server.port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: server.directory,
    shared_buffers: '16MB',
    fsync: 'off',
    max_wal_size: '512MB',
    ...options.settings,
  }).map(([name, value]) => `${name} = '${value}'\n`)
  await append(join(server.dataDirectory, 'postgresql.conf'), lines.join(''))
  if (options.hostAccess !== undefined) await writeHostAccess(server, options.hostAccess, user)
  if (options.configuration === 'outside') await moveConfigurationOut(server, user)
}

/** From 18 on they are the default. */
function noChecksums(major: 15 | 18): string[] {
  return major >= 18 ? ['--no-data-checksums'] : []
}

async function append(path: string, text: string): Promise<void> {
  const file = await open(path, 'a')
  await file.appendFile(text)
  await file.close()
}

async function writeHostAccess(server: TestPostgres, lines: readonly string[], user: SystemUser): Promise<void> {
  const usual = ['host all all 127.0.0.1/32 scram-sha-256', 'host replication all 127.0.0.1/32 scram-sha-256']
  const path = join(server.dataDirectory, 'pg_hba.conf')
  await writeFile(path, [...lines, ...usual, ''].join('\n'))
  await chown(path, user.uid, user.gid)
}

async function moveConfigurationOut(server: TestPostgres, user: SystemUser): Promise<void> {
  const outside = join(server.directory, 'etc')
  const files = ['postgresql.conf', 'pg_hba.conf', 'pg_ident.conf'].map((name) => join(server.dataDirectory, name))
  const settings = {
    data_directory: server.dataDirectory,
    hba_file: join(outside, 'pg_hba.conf'),
    ident_file: join(outside, 'pg_ident.conf'),
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`)
  await append(join(server.dataDirectory, 'postgresql.conf'), lines.join(''))
  await runProgram({ program: 'mkdir', args: ['-m', '0755', outside], runAs: user }, {})
  await runProgram({ program: 'mv', args: [...files, outside], runAs: user }, {})
}
