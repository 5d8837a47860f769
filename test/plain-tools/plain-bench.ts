import { cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { backupPrefix } from '../../src/catalog/keys.js'
import { compose } from '../../src/composition/compose.js'
import { loadConfig } from '../../src/config/load-config.js'
import { parseRepositoryName } from '../../src/domain/ids.js'
import type { Manifest } from '../../src/domain/manifest.js'
import { runProgram } from '../../src/process/run-program.js'
import { serverUser } from '../servers/postgres.js'
import { connectOperations } from '../stand/operations.js'
import { type Stand, startStand } from '../stand/stand.js'
import { type PlainMachine, plainMachine } from './plain-machine.js'

/** A stand with two backups of a source with a tablespace, of which everything but repositories and key is gone. */
export interface PlainBench {
  readonly stand: Stand
  readonly machine: PlainMachine
  readonly keyFile: string
  readonly first: TakenBackup
  readonly second: TakenBackup
  /** A repository in a directory: a copy of the capture repository, to be damaged. */
  copyOfRepository(): Promise<string>
  close(): Promise<void>
}

export interface TakenBackup {
  readonly manifest: Manifest
  /** Of its artifacts' attempt, below a repository. */
  readonly attempt: string
  readonly contents: object
}

export async function startPlainBench(): Promise<PlainBench> {
  const stand = await startStand({})
  const { postgres } = stand
  await postgres.fillSample(3000)
  await postgres.sql('create table elsewhere tablespace fast as select i from generate_series(1, 2000) i')
  const worker = await stand.startWorker()
  const operations = await connectOperations(stand.temporal.address)
  const take = async (): Promise<TakenBackup> => {
    const contents = await contentsAt({ port: postgres.port, stand })
    const ending = await (await operations.backup()).ending
    if (ending.outcome === 'failed') throw new Error(`no backup to restore: ${ending.message}`)
    const composition = await compose(await loadConfig({ path: stand.configPath, env: stand.env }), stand.env)
    const manifest = await (await composition.catalog(parseRepositoryName('local'))).read(ending.report.backup)
    return { manifest, attempt: join(backupPrefix(manifest.backup), manifest.attempt), contents }
  }
  const first = await take()
  await postgres.sql('insert into elsewhere select i from generate_series(2001, 3000) i')
  const second = await take()
  await operations.close()
  await worker.stop()
  await stand.temporal.stop()
  await postgres.stop('immediate')
  const keyFile = join(stand.directory, 'the key')
  await writeFile(keyFile, `${stand.env.STAND_KEY}\n`, { mode: 0o600 })
  const env = { AWS_ACCESS_KEY_ID: stand.s3.accessKeyId, AWS_SECRET_ACCESS_KEY: stand.s3.secretAccessKey }
  return {
    stand,
    machine: await plainMachine({ env }),
    keyFile,
    first,
    second,
    async copyOfRepository() {
      const copy = join(await mkdtemp(join(tmpdir(), 'copy-')), 'repository')
      await cp(join(stand.directory, 'local'), copy, { recursive: true })
      return copy
    },
    close: () => stand.close(),
  }
}

/** A place for servers, which their user may enter: its name holds blanks and more that shells take amiss. */
export async function placeForServers(): Promise<string> {
  const place = join(await mkdtemp(join(tmpdir(), 'p-')), "it's a place")
  await runProgram({ program: 'chmod', args: ['755', dirname(place)] }, {})
  await mkdir(place, { mode: 0o755 })
  return place
}

interface Place {
  /** A directory with a socket; loopback where left out. */
  readonly host?: string
  readonly port: number
  /** Of the source: roles and passwords are the same. */
  readonly stand: Stand
}

/** What both tables of the source hold in a server. */
export async function contentsAt({ host = '127.0.0.1', port, stand }: Place): Promise<object> {
  const { user, password } = stand.postgres
  const client = new pg.Client({ host, port, user, password, database: 'postgres' })
  await client.connect()
  try {
    const { rows } = await client.query(
      `select (select md5(string_agg(content, ' ' order by id)) from sample) as sample,
        (select count(*)::int from elsewhere) as elsewhere, current_setting('archive_mode') as archive_mode`,
    )
    return rows[0] ?? {}
  } finally {
    await client.end()
  }
}

export async function stopServer(dataDirectory: string, { postgres }: Stand): Promise<void> {
  const args = ['-D', dataDirectory, '-m', 'immediate', '-w', '-s', 'stop']
  await runProgram({ program: join(postgres.binDirectory, 'pg_ctl'), args, cwd: '/', runAs: await serverUser() }, {})
}
