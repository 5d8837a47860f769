import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { startTemporal, type TemporalServer } from '../servers/temporal.js'
import { type CliResult, runCli } from '../stand/run-cli.js'
import { startWorkerProcess, type WorkerProcess } from '../stand/worker-process.js'
import { startCli } from './cli-process.js'

/* A source that never answers, so that operations wait for as long as the test looks. The tests build on each other. */
let directory: string
let temporal: TemporalServer
let worker: WorkerProcess | undefined
let env: Readonly<Record<string, string>>

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'status-'))
  await chmod(directory, 0o700)
  await mkdir(join(directory, 'local'), { mode: 0o700 })
  temporal = await startTemporal({ directory: join(directory, 'temporal') })
  const file = {
    version: 1,
    host: `status-${process.pid}`,
    stateDirectory: join(directory, 'state'),
    temporal: { address: temporal.address },
    encryption: 'off',
    worker: { shutdownGrace: '1s' },
    timeouts: { heartbeat: '3s', lease: '30s', light: '30s', retryInterval: '200ms', retryMaximumInterval: '1s' },
    repositories: { local: { store: 'filesystem', path: join(directory, 'local'), capture: true } },
    systems: {
      shop: {
        engine: 'postgres',
        connection: { hosts: ['127.0.0.1:1'], user: 'x' },
        repositories: ['local'],
        kinds: { full: {}, logical: {} },
      },
      far: { engine: 'postgres', host: 'db9', connection: { hosts: ['127.0.0.1:1'], user: 'x' }, repositories: ['local'] },
    },
  }
  const config = join(directory, 'holdfast.yaml')
  await writeFile(config, stringify(file), { mode: 0o600 })
  env = { PATH: process.env.PATH ?? '', HOME: directory, HOLDFAST_CONFIG: config }
})

afterAll(async () => {
  await worker?.stop()
  await temporal?.stop()
  await rm(directory, { recursive: true, force: true })
})

interface Status {
  readonly running: readonly Readonly<Record<string, unknown>>[]
  readonly ended: readonly Readonly<Record<string, unknown>>[]
}

const cli = (...args: readonly string[]): Promise<CliResult> => runCli(args, env)

/** Asks until it is as expected: what Temporal lists comes a moment later. */
async function untilStatus(isSo: (status: Status) => boolean, system = 'shop'): Promise<Status> {
  const giveUpAt = Date.now() + 30_000
  for (;;) {
    const { stdout } = await cli('status', system, '--json')
    const status = JSON.parse(stdout) as Status
    if (isSo(status)) return status
    if (Date.now() > giveUpAt) throw new Error(`it did not come to that: ${stdout}`)
    await sleep(200)
  }
}

test('without a worker what was started is shown, waiting for one, and cancelling it loses nothing', async () => {
  expect(await cli('status')).toMatchObject({ exitCode: 0, stdout: 'nothing is running or waiting' })
  expect(await cli('restore', 'shop', '--name', 'shop-check', '--detach')).toMatchObject({
    exitCode: 0,
    stdout: 'restore/shop-check is started\n  no worker is there: it waits for one (`holdfast worker`)',
  })
  await untilStatus(({ running }) => running.length === 1)
  const text = (await cli('status')).stdout
  expect(text).toMatch(/^restore\/shop-check: since 20.*, for /)
  expect(text).toContain('start `holdfast worker`')
  expect(await cli('cancel', 'restore/shop-check')).toMatchObject({
    exitCode: 0,
    stdout: 'restore/shop-check has ended\n  no worker had begun it: nothing is lost',
  })
  const { ended } = await untilStatus(({ running, ended }) => running.length === 0 && ended.length > 0)
  expect(ended).toMatchObject([{ id: 'restore/shop-check', outcome: 'stopped' }])
}, 120_000)

test('what is tried again, and what waits for another operation, is told in words, with how long it goes on', async () => {
  worker = await startWorkerProcess(env, join(directory, 'worker.log'))
  await cli('backup', 'far', '--detach')
  const full = startCli(['backup', 'shop'], env)
  await full.says('looking at the source: ')
  await full.says('goes on trying for ')
  await full.says('holdfast cancel')
  expect(await cli('backup', 'shop', '--detach', '--reason', 'other')).toMatchObject({
    exitCode: 0,
    stdout: 'backup/shop/full runs already',
    stderr: expect.stringContaining('--reason is not recorded'),
  })
  expect(await cli('backup', 'shop', '--kind', 'logical', '--detach')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^backup\/shop\/logical is started\n {2}it waits for backup\/shop\/full, .* after 2m 30s/),
  })
  const seen = await untilStatus(({ running }) => running.every(({ obstacles }) => JSON.stringify(obstacles) !== '[]'))
  expect(seen.running).toMatchObject([
    {
      id: 'backup/shop/logical',
      obstacles: [{ text: expect.stringMatching(/^waiting for backup\/shop\/full, which holds shop \(tried /) }],
    },
    {
      id: 'backup/shop/full',
      operation: 'backup',
      steps: [{ name: 'check', state: 'running' }, {}, {}],
      obstacles: [{ lastFailure: expect.stringContaining('ECONNREFUSED') }],
    },
  ])
  await untilStatus(({ running }) => JSON.stringify(running).includes('waits for a worker on host db9 '), 'far')
  full.interrupt()
  expect(await full.ended).toMatchObject({ exitCode: 130, stderr: expect.stringContaining('goes on in the workers') })
}, 120_000)

test('cancel ends what is named as status names it, says what is lost, and refuses anything else with what there is', async () => {
  const wrong = await cli('cancel', 'backup/shop/ful')
  expect(wrong).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('did you mean backup/shop/full?') })
  const cancelled = await cli('cancel', 'backup/shop/logical', '--json')
  expect(JSON.parse(cancelled.stdout)).toMatchObject({ id: 'backup/shop/logical', state: 'cancelling' })
  expect((await cli('cancel', 'backup/shop/full')).stdout).toContain('older backups stay')
  // Temporal's list follows what happens with a delay of its own.
  const stopped = ['backup/shop/logical stopped', 'backup/shop/full stopped', 'restore/shop-check stopped']
  await untilStatus(({ running, ended }) => {
    const ends = ended.map(({ id, outcome }) => `${id} ${outcome}`)
    return running.length === 0 && stopped.every((each) => ends.includes(each))
  })
  const again = await cli('cancel', 'backup/shop/full')
  expect(again).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('runs no more') })
}, 120_000)
