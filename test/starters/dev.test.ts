import { chmod, mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Connection } from '@temporalio/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { presenceFile } from '../../src/jobs/worker-presence.js'
import { freePort } from '../servers/free-port.js'
import { startCli } from './cli-process.js'

let directory: string
let address: string
let env: Readonly<Record<string, string>>

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dev-'))
  await chmod(directory, 0o700)
  address = `127.0.0.1:${await freePort()}`
  const file = {
    version: 1,
    host: 'devhost',
    stateDirectory: join(directory, 'state'),
    temporal: { address },
    encryption: 'off',
    worker: { shutdownGrace: '1s' },
    repositories: { local: { store: 'filesystem', path: join(directory, 'local'), capture: true } },
    systems: { shop: { engine: 'postgres', connection: { hosts: ['127.0.0.1:1'], user: 'x' }, repositories: ['local'] } },
  }
  const config = join(directory, 'holdfast.yaml')
  await writeFile(config, stringify(file), { mode: 0o600 })
  env = {
    PATH: process.env.PATH ?? '',
    HOME: directory,
    HOLDFAST_CONFIG: config,
    TEMPORAL_CLI_PATH: resolve('.tools/bin/temporal'),
  }
})

afterAll(() => rm(directory, { recursive: true, force: true }))

async function isTemporalUp(): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: '2 seconds' }).catch(() => undefined)
  await connection?.close()
  return connection !== undefined
}

test('a worker that finds no Temporal has shown itself to the jobs before it says so', async () => {
  const presence = presenceFile(join(directory, 'state'))
  await mkdir(join(directory, 'state'), { mode: 0o711 })
  await writeFile(presence, '')
  await utimes(presence, new Date(0), new Date(0))
  const worker = startCli(['worker'], env)
  expect(await worker.ended).toMatchObject({ exitCode: 10, stderr: expect.stringContaining('CONTROL_PLANE') })
  expect((await stat(presence)).mtimeMs).toBeGreaterThan(0)
})

test('dev runs Temporal with its UI and a worker, a second one the worker alone, and Ctrl-C ends each with its own', async () => {
  const uiPort = await freePort()
  const dev = startCli(['dev', '--ui-port', String(uiPort)], env)
  await dev.says('worker is ready')
  await dev.says(`Watch workflows at http://127.0.0.1:${uiPort}`)
  await dev.says('holdfast backup shop')
  expect((await fetch(`http://127.0.0.1:${uiPort}/`)).status).toBe(200)
  expect(await readFile(join(directory, 'state', 'temporal', 'temporal.db'))).not.toHaveLength(0)

  const second = startCli(['dev'], env)
  await second.says(`Temporal runs already at ${address}`)
  await second.says('worker is ready')
  second.interrupt()
  expect(await second.ended).toMatchObject({ exitCode: 0 })
  expect(await isTemporalUp()).toBe(true)

  dev.interrupt()
  expect(await dev.ended).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('worker has ended') })
  expect(await isTemporalUp()).toBe(false)
})

test('dev ends with the status of the control plane when its Temporal cannot be found or is elsewhere', async () => {
  const elsewhere = startCli(['dev'], { ...env, TEMPORAL_ADDRESS: 'temporal.invalid:7233' })
  expect(await elsewhere.ended).toMatchObject({ exitCode: 10, stderr: expect.stringContaining('for this machine alone') })
  const missing = startCli(['dev'], { ...env, TEMPORAL_CLI_PATH: join(directory, 'no-temporal') })
  expect(await missing.ended).toMatchObject({ exitCode: 6, stderr: expect.stringContaining('no-temporal') })
})
