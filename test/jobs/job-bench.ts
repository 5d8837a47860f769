import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Composition, compose } from '../../src/composition/compose.js'
import { loadConfig } from '../../src/config/load-config.js'
import { parseBackupId, parseInstanceName, parseRepositoryName, parseSystemName } from '../../src/domain/ids.js'
import type { StoredCapture } from '../../src/domain/manifest.js'
import { connectTo } from '../../src/jobs/connect-job.js'
import { type JobDirectory, type JobResult, jobDirectory, writeResult, writeSpecOnce } from '../../src/jobs/job-directory.js'
import {
  type CaptureSpec,
  captureJobName,
  type ExtractSpec,
  type JobSpec,
  jobNameOf,
  type ReplicateSpec,
} from '../../src/jobs/job-spec.js'
import { type JobMessage, messagesFrom } from '../../src/jobs/protocol.js'
import { presenceFile } from '../../src/jobs/worker-presence.js'
import { sampleManifest } from '../catalog/sample-manifest.js'
import { killForGood, processesWithArgument } from '../stand/process-table.js'
import { type StandSettings, standConfig } from '../stand/stand-config.js'

interface BenchSettings extends StandSettings {
  readonly s3Endpoint?: string
  readonly s3Keys?: readonly [string, string]
  readonly postgres?: { readonly port: number; readonly password: string }
}

/** A state directory and a configuration for jobs, without a worker or a Temporal server. */
export interface JobBench {
  readonly directory: string
  readonly stateDirectory: string
  /** Of the configuration, as text. */
  readonly secrets: readonly string[]
  readonly composition: Composition
  capture(attempt: string): CaptureSpec
  replicate(attempt: string): ReplicateSpec
  /** A replication of nothing to the host's own disk: it waits for the end of a capture, and needs no server. */
  idle(attempt: string): ReplicateSpec
  extract(instance: string): ExtractSpec
  directoryOf(spec: JobSpec): JobDirectory
  /** Through the built program, as an activity does. */
  attach(spec: JobSpec, watching?: Watching): Promise<unknown>
  stop(spec: JobSpec, graceMs: number): Promise<void>
  /** Leaves what a capture that has ended leaves, for replications to follow. */
  captureEnded(attempt: string, result: JobResult): Promise<void>
  /** Waits until a job serves its socket. @returns its pid, as it says itself */
  pidOf(spec: JobSpec): Promise<number>
  /** As a worker does, for a moment. */
  showWorker(): Promise<void>
  close(): Promise<void>
}

interface Watching {
  readonly signal?: AbortSignal
  readonly onPulse?: () => void
}

const backup = parseBackupId('shop_full_2026-01-10T03-00-00Z')
const system = parseSystemName('shop')

export async function openJobBench(settings: BenchSettings = {}): Promise<JobBench> {
  const { s3Endpoint = 'http://127.0.0.1:9', s3Keys = ['nobody', 'no-secret-at-all'], postgres, ...others } = settings
  const directory = await mkdtemp(join(tmpdir(), 'j-'))
  for (const name of ['local', 'state', 'instances']) await mkdir(join(directory, name), { mode: 0o700 })
  const configPath = join(directory, 'holdfast.yaml')
  const silence = postgres === undefined ? await silentSource() : undefined
  const places = {
    directory,
    host: 'bench',
    temporalAddress: '127.0.0.1:9',
    s3Endpoint,
    postgresPort: postgres?.port ?? silence?.port ?? 9,
    ports: '1024-1030',
  } as const
  await writeFile(configPath, standConfig(places, others), { mode: 0o600 })
  const secrets = {
    STAND_KEY: randomBytes(32).toString('base64'),
    STAND_PGPASSWORD: postgres?.password ?? 'pass-of-the-source',
    STAND_S3_KEY: s3Keys[0],
    STAND_S3_SECRET: s3Keys[1],
  }
  // Jobs inherit the environment of who starts them.
  Object.assign(process.env, secrets)
  const built = await builtJobs()
  const stateDirectory = join(directory, 'state')
  const directoryOf = (spec: JobSpec) => jobDirectory(stateDirectory, jobNameOf(spec))
  const bench: JobBench = {
    directory,
    stateDirectory,
    secrets: [secrets.STAND_KEY, secrets.STAND_PGPASSWORD, secrets.STAND_S3_SECRET],
    composition: await compose(await loadConfig({ path: configPath, env: process.env }), process.env),
    capture: (attempt) => ({ kind: 'capture', configPath, system, backup, backupKind: 'full', attempt }),
    replicate: (attempt) => ({
      kind: 'replicate',
      configPath,
      system,
      backup,
      attempt,
      to: parseRepositoryName('primary'),
      captureJob: captureJobName({ backup, attempt }),
      partBytes: 5 * 1024 * 1024,
    }),
    idle: (attempt) => ({ ...bench.replicate(attempt), to: parseRepositoryName('local') }),
    extract: (instance) => ({
      kind: 'extract',
      configPath,
      system,
      backup,
      instance: parseInstanceName(instance),
      sources: [parseRepositoryName('local')],
    }),
    directoryOf,
    attach: (spec, { signal = new AbortController().signal, onPulse = () => {} } = {}) =>
      built.attachJob(spec, { stateDirectory, signal, onPulse, onProgress: () => {} }),
    stop: (spec, graceMs) => built.stopJob(stateDirectory, jobNameOf(spec), graceMs),
    async captureEnded(attempt, result) {
      const spec = bench.capture(attempt)
      await writeSpecOnce(directoryOf(spec), spec)
      await writeResult(directoryOf(spec), result)
    },
    pidOf: (spec) => helloOf(directoryOf(spec)),
    async showWorker() {
      await writeFile(presenceFile(stateDirectory), '', { flag: 'a', mode: 0o600 })
      await utimes(presenceFile(stateDirectory), new Date(), new Date())
    },
    async close() {
      for (const name of await readdir(join(stateDirectory, 'jobs')).catch(() => [])) {
        for (const { pid } of processesWithArgument(join(stateDirectory, 'jobs', name, 'spec.json'))) await killForGood(pid)
      }
      silence?.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
  return bench
}

/** What a capture says that found nothing to capture. */
export function emptyCapture(artifacts: StoredCapture['artifacts'] = []): JobResult {
  const { facts, startedAt, stoppedAt } = sampleManifest()
  const value: StoredCapture = { artifacts, facts, startedAt, stoppedAt, tools: {}, notes: [] }
  return { outcome: 'done', value }
}

/** A source that takes connections and says nothing: a capture of it goes on until it is stopped. */
async function silentSource(): Promise<{ readonly port: number; close(): void }> {
  const sockets: Socket[] = []
  const server: Server = createServer((socket) => sockets.push(socket.on('error', () => socket.destroy())))
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

async function helloOf(directory: JobDirectory): Promise<number> {
  for (;;) {
    const socket = await connectTo(directory)
    if (socket !== undefined) {
      try {
        for await (const message of messagesFrom<JobMessage>(socket)) if (message.type === 'hello') return message.pid
      } finally {
        socket.destroy()
      }
    }
    await new Promise((wait) => setTimeout(wait, 20))
  }
}

/** The built ones: they start `main.js` beside them. */
async function builtJobs(): Promise<
  Pick<typeof import('../../src/jobs/attach-job.js'), 'attachJob'> & Pick<typeof import('../../src/jobs/stop-job.js'), 'stopJob'>
> {
  const [{ attachJob }, { stopJob }] = await Promise.all(
    ['attach-job', 'stop-job'].map((name) => import(resolve(`dist/jobs/${name}.js`))),
  )
  return { attachJob, stopJob }
}
