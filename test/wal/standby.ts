import { appendFile, chown, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { runProgram } from '../../src/process/run-program.js'
import { freePort } from '../servers/free-port.js'
import { serverUser, type TestPostgres } from '../servers/postgres.js'
import { testPlace } from '../setup/place.js'

/** A streaming standby of a test's server. */
export interface Standby {
  readonly port: number
  readonly dataDirectory: string
  sql<Row extends pg.QueryResultRow>(query: string): Promise<Row[]>
  promote(): Promise<void>
  restart(): Promise<void>
  /** At once, as a crash does. */
  stop(): Promise<void>
  dispose(): Promise<void>
}

export async function startStandby(
  primary: Pick<TestPostgres, 'port' | 'password' | 'binDirectory'>,
  wantedPort?: number,
): Promise<Standby> {
  const { binDirectory, password } = primary
  const user = await serverUser()
  const directory = await mkdtemp(`${testPlace()}/standby-`)
  await chown(directory, user.uid, user.gid)
  const dataDirectory = join(directory, 'data')
  const port = wantedPort ?? (await freePort())
  const run = (program: string, ...args: string[]) =>
    runProgram({ program: join(binDirectory, program), args, cwd: '/', runAs: user, env: { PGPASSWORD: password } }, {})
  const source = ['-h', '127.0.0.1', '-p', String(primary.port), '-U', 'postgres']
  await run('pg_basebackup', ...source, '-D', dataDirectory, '-R', '-X', 'stream', '-c', 'fast', '--no-sync')
  await appendFile(join(dataDirectory, 'postgresql.conf'), `port = ${port}\nunix_socket_directories = '${directory}'\n`)
  await run('pg_ctl', '-D', dataDirectory, '-s', '-w', '-l', join(directory, 'log'), 'start')
  return {
    port,
    dataDirectory,
    async sql<Row extends pg.QueryResultRow>(query: string) {
      const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password, database: 'postgres' })
      client.on('error', () => {})
      await client.connect()
      try {
        return (await client.query<Row>(query)).rows
      } finally {
        await client.end()
      }
    },
    promote: async () => void (await run('pg_ctl', '-D', dataDirectory, '-s', '-w', 'promote')),
    restart: async () =>
      void (await run('pg_ctl', '-D', dataDirectory, '-s', '-w', '-m', 'fast', '-l', join(directory, 'log'), 'restart')),
    stop: async () => void (await run('pg_ctl', '-D', dataDirectory, '-s', '-w', '-m', 'immediate', 'stop')),
    async dispose() {
      await run('pg_ctl', '-D', dataDirectory, '-s', '-w', '-m', 'immediate', 'stop').catch(() => {})
      await rm(directory, { recursive: true, force: true })
    },
  }
}
