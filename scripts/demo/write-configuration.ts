import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { freePort } from '../../test/servers/free-port.js'
import type { TestPostgres } from '../../test/servers/postgres.js'
import type { Places } from './places.js'
import { bucket, type Servers } from './start-servers.js'

/** The name of the system that is backed up. */
export const system = 'shop'
/** The most that may be lost: three marks are stored in this time. */
export const objectiveMs = 60_000

/**
 * A configuration like an operator's: secrets in files of their own, both repositories, and timeouts of seconds.
 * @param slowness of this machine at this moment: 1 when it has nothing else to do
 */
export async function writeConfiguration(
  places: Places,
  servers: Servers,
  source: TestPostgres,
  slowness: number,
): Promise<void> {
  const key = (name: string) => ({ file: join(places.keyDirectory, name) })
  await mkdir(places.keyDirectory, { mode: 0o700 })
  for (const directory of [places.stateDirectory, places.localRepository]) await mkdir(directory, { mode: 0o700 })
  await mkdir(places.instances, { mode: 0o755 })
  const secrets = {
    'demo.key': randomBytes(32).toString('base64'),
    'postgres-password': source.password,
    's3-access-key-id': servers.s3.accessKeyId,
    's3-secret-access-key': servers.s3.secretAccessKey,
    pgpass: passwordFile(source),
  }
  for (const [name, text] of Object.entries(secrets)) await writeFile(key(name).file, `${text}\n`, { mode: 0o600 })
  const firstPort = await freePort(21)
  const configuration = {
    version: 1,
    host: 'demo',
    stateDirectory: places.stateDirectory,
    temporal: { address: servers.temporal.address },
    encryption: { activeKey: 'demo', keys: { demo: key('demo.key') } },
    instances: { directory: places.instances, ports: `${firstPort}-${firstPort + 20}` },
    tools: { postgres: { [source.major]: source.binDirectory } },
    // Short, so that the death of a worker is noticed while somebody is looking on.
    timeouts: { heartbeat: '4s', lease: '30s', retryInterval: '250ms', retryMaximumInterval: '2s' },
    repositories: {
      local: { store: 'filesystem', path: places.localRepository, capture: true },
      primary: {
        store: 's3',
        bucket,
        region: servers.s3.region,
        endpoint: servers.s3.endpoint,
        forcePathStyle: true,
        partSize: '5MiB',
        credentials: { accessKeyId: key('s3-access-key-id'), secretAccessKey: key('s3-secret-access-key') },
      },
    },
    systems: {
      [system]: {
        engine: 'postgres',
        host: 'demo',
        connection: { hosts: [`${source.host}:${source.port}`], user: source.user, password: key('postgres-password') },
        repositories: ['local', 'primary'],
        kinds: { full: {} },
        wal: { mode: 'stream', required: ['primary'] },
        objectives: { rpo: `${objectiveMs / 1000}s` },
        limits: limitsFor(slowness),
      },
    },
  }
  await writeFile(places.configFile, stringify(configuration), { mode: 0o600 })
}

/** So slow that there is a middle in which processes can be killed and started, the upload slower than the capture. */
function limitsFor(slowness: number): { maxRate: string; uploadRate: string } {
  const rate = (megabytes: number) => `${(megabytes / Math.min(4, Math.max(1, slowness))).toFixed(1)}MB/s`
  return { maxRate: rate(12), uploadRate: rate(6) }
}

/** For psql: any port and database, since the restored server has the original's passwords. */
function passwordFile({ host, user, password }: TestPostgres): string {
  return `${host}:*:*:${user}:${password.replace(/[\\:]/g, '\\$&')}`
}
