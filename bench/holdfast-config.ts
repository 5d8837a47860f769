import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { freePort } from '../test/servers/free-port.js'
import { bucket, type Stage } from './stage.js'

/** The name of the system that is backed up. */
export const system = 'bench'

/**
 * The configuration of the README's first backup; whatever has a default is left at it.
 * @param settings more of the system's
 */
export async function writeHoldfastConfig({ places, source, s3, temporal }: Stage, settings: object = {}): Promise<void> {
  const key = (name: string) => ({ file: join(places.keyDirectory, name) })
  await mkdir(places.keyDirectory, { mode: 0o700 })
  for (const directory of [places.stateDirectory, places.localRepository]) await mkdir(directory, { mode: 0o700 })
  await mkdir(places.instances, { mode: 0o755 })
  const secrets = {
    'bench.key': randomBytes(32).toString('base64'),
    'postgres.password': source.password,
    's3.id': s3.accessKeyId,
    's3.secret': s3.secretAccessKey,
  }
  for (const [name, text] of Object.entries(secrets)) await writeFile(key(name).file, `${text}\n`, { mode: 0o600 })
  const firstPort = await freePort()
  const configuration = {
    version: 1,
    host: 'bench',
    stateDirectory: places.stateDirectory,
    temporal: { address: temporal.address },
    encryption: { activeKey: 'bench', keys: { bench: key('bench.key') } },
    instances: { directory: places.instances, ports: `${firstPort}-${Math.min(65_535, firstPort + 20)}` },
    tools: { postgres: { [source.major]: source.binDirectory } },
    repositories: {
      local: { store: 'filesystem', path: places.localRepository, capture: true },
      primary: {
        store: 's3',
        bucket,
        region: s3.region,
        endpoint: s3.endpoint,
        forcePathStyle: true,
        tls: { caFile: s3.caFile },
        credentials: { accessKeyId: key('s3.id'), secretAccessKey: key('s3.secret') },
      },
    },
    systems: {
      [system]: {
        engine: 'postgres',
        connection: { hosts: [`${source.host}:${source.port}`], user: source.user, password: key('postgres.password') },
        repositories: ['local', 'primary'],
        wal: { mode: 'stream', required: ['primary'] },
        ...settings,
      },
    },
  }
  await writeFile(places.configFile, stringify(configuration), { mode: 0o600 })
}
