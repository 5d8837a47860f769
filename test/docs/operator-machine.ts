import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { freePort } from '../servers/free-port.js'
import { startPostgres, type TestPostgres } from '../servers/postgres.js'
import { createBucket, startVersitygw, type Versitygw } from '../servers/versitygw.js'
import { testPlace } from '../setup/place.js'
import { compileCache } from '../stand/compile-cache.js'
import { createDocShell, type DocShell, type Replacements } from './doc-shell.js'

/** What the pages presume: a database's host with PostgreSQL 15, and a bucket. Nothing of Holdfast. */
export interface OperatorMachine {
  /** Below it is everything the pages put below `/etc`, `/var` and `/usr/local`. */
  readonly directory: string
  readonly postgres: TestPostgres
  readonly s3: Versitygw
  readonly shell: DocShell
  close(): Promise<void>
}

export async function startOperatorMachine(): Promise<OperatorMachine> {
  const directory = await mkdtemp(`${testPlace()}/hfd-`)
  await chmod(directory, 0o755)
  for (const name of ['bin', 'media', 'postgresql']) await mkdir(join(directory, name))
  const postgres = await startPostgres({ major: 15, directory, tablespace: true })
  // Lets in whom the pages let in, and for replication nobody without their line.
  await writeFile(join(postgres.dataDirectory, 'pg_hba.conf'), 'host all all 127.0.0.1/32 scram-sha-256\n')
  await postgres.sql('select pg_reload_conf()')
  const s3 = await startVersitygw({ directory: join(directory, 's3') })
  await createBucket(s3, 'backups')
  const places = { directory, postgres, s3, temporalPort: await freePort(), firstPort: await freePort(10) }
  const shell = createDocShell({ directory, replacements: replacementsFor(places), env: environmentFor(places) })
  return {
    directory,
    postgres,
    s3,
    shell,
    async close() {
      await shell.stop()
      await s3.stop()
      await postgres.dispose()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

interface Places extends Pick<OperatorMachine, 'directory' | 'postgres' | 's3'> {
  readonly temporalPort: number
  readonly firstPort: number
}

/** In this order: longer ones before what they contain. */
function replacementsFor({ directory, postgres, s3, firstPort }: Places): Replacements {
  const ports = `${firstPort}-${firstPort + 9}`
  const ours = ['version: 1', `stateDirectory: ${directory}/holdfast`, `instances: { ports: "${ports}" }`]
  // What is left to its default there is said here, so that the places are replaced with all others.
  const init = 'holdfast init --server 127.0.0.1:5432 --directory /var/backups/holdfast --state-directory /var/lib/holdfast'
  const usePorts = `sed -i 's/^#instances:.*/instances: { ports: "${ports}" }/' /etc/holdfast/holdfast.yaml`
  return [
    ['holdfast init', init],
    ['env:S3_SECRET\n', `env:S3_SECRET\n${usePorts}\n`],
    ['version: 1', ours.join('\n')],
    ['2026-11', new Date().toISOString().slice(0, 7)],
    ['/etc/postgresql/15/main', postgres.dataDirectory],
    ['/etc/holdfast', `${directory}/etc`],
    ['/media/offline/holdfast', `${directory}/media/etc`],
    ['/media/offline', `${directory}/media`],
    ['/var/lib/holdfast', `${directory}/holdfast`],
    ['/var/lib/postgresql', `${directory}/postgresql`],
    ['/var/backups/holdfast', `${directory}/backups`],
    ['/usr/local/bin', `${directory}/bin`],
    ['-p 5432', `-p ${postgres.port}`],
    ['127.0.0.1:5432', `127.0.0.1:${postgres.port}`],
    ['15432', String(firstPort)],
    ['https://s3.example.com', s3.endpoint],
    ['rpo: 5m', 'rpo: 15s'],
    ['eu-west-1', s3.region],
    ['backups-prod', 'backups'],
    ['YOUR-ACCESS-KEY-ID', s3.accessKeyId],
    ['YOUR-SECRET-ACCESS-KEY', s3.secretAccessKey],
  ]
}

function environmentFor({ directory, postgres, s3, temporalPort }: Places): Readonly<Record<string, string>> {
  const path = [join(directory, 'bin'), resolve('.tools/bin'), resolve('.tools/python/bin'), process.env.PATH ?? '']
  return {
    PATH: path.join(':'),
    ...compileCache,
    HOME: directory,
    HOLDFAST_CONFIG: join(directory, 'etc', 'holdfast.yaml'),
    TEMPORAL_ADDRESS: `127.0.0.1:${temporalPort}`,
    // For `psql` without a host, which on a real machine finds the server and is let in as its owner.
    PGHOST: postgres.host,
    PGPORT: String(postgres.port),
    PGPASSWORD: postgres.password,
    AWS_ENDPOINT_URL: s3.endpoint,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
  }
}
