import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { freePort } from '../servers/free-port.js'
import { startPostgres, type TestPostgres } from '../servers/postgres.js'
import { type S3Proxy, startS3Proxy } from '../servers/s3-proxy.js'
import { startTemporal, type TemporalServer } from '../servers/temporal.js'
import { createBucket, startVersitygw, type Versitygw } from '../servers/versitygw.js'
import { testPlace } from '../setup/place.js'
import { type CliResult, runCli } from './run-cli.js'
import { type StandSettings, standConfig } from './stand-config.js'
import { startWorkerProcess, type WorkerProcess } from './worker-process.js'

export interface StandOptions extends StandSettings {
  readonly postgresMajor?: 15 | 18
  /** Share a source with other stands of the same file: starting one takes seconds. */
  readonly postgres?: TestPostgres
  /** See `TemporalOptions`. */
  readonly suggestContinueAsNewAfter?: number
}

/** Everything a backup needs, real and apart from all others: server, S3 behind a recording proxy, configuration, worker. */
export interface Stand {
  readonly directory: string
  readonly stateDirectory: string
  readonly configPath: string
  readonly postgres: TestPostgres
  readonly proxy: S3Proxy
  readonly s3: Versitygw
  /** Its own: workers of other stands must not take its work, and it may be killed. */
  readonly temporal: TemporalServer
  restartTemporal(): Promise<void>
  readonly env: Readonly<Record<string, string>>
  startWorker(): Promise<WorkerProcess>
  cli(...args: readonly string[]): Promise<CliResult>
  /** Stops servers and removes the directory. Workers are the test's own to stop. */
  close(): Promise<void>
}

export async function startStand(options: StandOptions): Promise<Stand> {
  const directory = await mkdtemp(`${testPlace()}/hfs-`)
  await chmod(directory, 0o755)
  for (const name of ['local', 'state', 'instances'])
    await mkdir(join(directory, name), { mode: name === 'instances' ? 0o755 : 0o700 })
  const postgresMajor = options.postgresMajor ?? 15
  const postgres = options.postgres ?? (await startPostgres({ major: postgresMajor, directory, tablespace: true }))
  const { suggestContinueAsNewAfter } = options
  const temporalOptions = {
    directory: join(directory, 'temporal'),
    ...(suggestContinueAsNewAfter === undefined ? {} : { suggestContinueAsNewAfter }),
  }
  let temporal = await startTemporal(temporalOptions)
  const temporalPort = Number(temporal.address.split(':')[1])
  const s3 = await startVersitygw({ directory: join(directory, 's3') })
  const proxy = await startS3Proxy({ target: s3.endpoint })
  await createBucket(s3, 'backups')
  const configPath = join(directory, 'holdfast.yaml')
  const firstPort = await freePort(10)
  const places = {
    directory,
    host: `h${randomBytes(4).toString('hex')}`,
    temporalAddress: temporal.address,
    s3Endpoint: proxy.endpoint,
    postgresPort: postgres.port,
    ports: `${firstPort}-${firstPort + 9}`,
  }
  await writeFile(configPath, standConfig(places, options), { mode: 0o600 })
  const env = {
    PATH: `${resolve('node_modules/.bin')}:${process.env.PATH}`,
    HOME: process.env.HOME ?? '/root',
    HOLDFAST_CONFIG: configPath,
    STAND_KEY: randomBytes(32).toString('base64'),
    STAND_PGPASSWORD: postgres.password,
    STAND_S3_KEY: s3.accessKeyId,
    STAND_S3_SECRET: s3.secretAccessKey,
  }
  return {
    directory,
    stateDirectory: join(directory, 'state'),
    configPath,
    postgres,
    proxy,
    s3,
    get temporal() {
      return temporal
    },
    async restartTemporal() {
      temporal = await startTemporal({ ...temporalOptions, port: temporalPort })
    },
    env,
    startWorker: () => startWorkerProcess(env, join(directory, 'worker.log')),
    cli: (...args) => runCli(args, env),
    async close() {
      await temporal.stop()
      await proxy.stop()
      await s3.stop()
      if (options.postgres === undefined) await postgres.dispose()
      if (process.env.STAND_KEEP === undefined) await rm(directory, { recursive: true, force: true })
    },
  }
}
