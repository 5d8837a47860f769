import { stringify } from 'yaml'
import { postgresPrograms } from '../servers/postgres.js'

export interface StandPlaces {
  readonly directory: string
  readonly host: string
  readonly temporalAddress: string
  readonly s3Endpoint: string
  readonly postgresPort: number
  readonly ports: string
}

export interface StandSettings {
  /** Slows the capture down, so that there is a middle to be killed in. PostgreSQL's limits: 32 kB/s to 1 GB/s. */
  readonly maxRate?: string
  readonly encryption?: 'off'
  readonly hooks?: { readonly before?: readonly (readonly string[])[]; readonly after?: readonly (readonly string[])[] }
  readonly timeouts?: Readonly<Record<string, string>>
  readonly partSize?: string
  /** Of S3; `10s` where left out. */
  readonly requestTimeout?: string
  /** Kinds of backups, `{ full: {} }` where left out. */
  readonly kinds?: Readonly<Record<string, object>>
  /** Names of the systems that are the one source; `shop` where left out. Several are several backups at a time. */
  readonly systems?: readonly string[]
  /** Of WAL; it is not archived where left out. */
  readonly wal?: object
  readonly objectives?: object
  /** More hosts of the source, beside its own. */
  readonly otherHosts?: readonly string[]
  /** Captures and extractions at a time; 2 where left out. */
  readonly bulkSlots?: number
}

/** A configuration like an operator's, with timeouts of seconds. */
export function standConfig(places: StandPlaces, settings: StandSettings): string {
  const {
    maxRate,
    hooks,
    timeouts = {},
    partSize = '5MiB',
    requestTimeout = '10s',
    systems = ['shop'],
    bulkSlots = 2,
    kinds = { full: {} },
    wal,
    objectives,
  } = settings
  const system = {
    engine: 'postgres',
    host: places.host,
    connection: {
      hosts: [`127.0.0.1:${places.postgresPort}`, ...(settings.otherHosts ?? [])],
      user: 'postgres',
      password: { env: 'STAND_PGPASSWORD' },
    },
    repositories: ['local', 'primary'],
    kinds,
    ...(wal === undefined ? {} : { wal }),
    ...(objectives === undefined ? {} : { objectives }),
    ...(maxRate === undefined ? {} : { limits: { maxRate } }),
    ...(hooks === undefined ? {} : { hooks }),
  }
  return stringify({
    version: 1,
    host: places.host,
    stateDirectory: `${places.directory}/state`,
    temporal: { address: places.temporalAddress },
    encryption: settings.encryption ?? { activeKey: 'test', keys: { test: { env: 'STAND_KEY' } } },
    instances: { directory: `${places.directory}/instances`, user: 'postgres', ports: places.ports },
    tools: { postgres: { 15: postgresPrograms(15), 18: postgresPrograms(18) } },
    worker: { bulkSlots, shutdownGrace: '1s' },
    timeouts: {
      heartbeat: '3s',
      lease: '30s',
      jobPatience: '60s',
      light: '30s',
      capture: '3m',
      extract: '3m',
      replay: '2m',
      replicationDeadline: '2m',
      retryInterval: '200ms',
      retryMaximumInterval: '1s',
      ...timeouts,
    },
    repositories: {
      local: { store: 'filesystem', path: `${places.directory}/local`, capture: true },
      primary: {
        store: 's3',
        bucket: 'backups',
        region: 'us-east-1',
        endpoint: places.s3Endpoint,
        forcePathStyle: true,
        partSize,
        requestTimeout,
        credentials: { accessKeyId: { env: 'STAND_S3_KEY' }, secretAccessKey: { env: 'STAND_S3_SECRET' } },
      },
    },
    systems: Object.fromEntries(systems.map((name) => [name, system])),
  })
}
