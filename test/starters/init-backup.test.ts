import { appendFile, chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { InitReport } from '../../src/starters/init/describe-init.js'
import { startPostgres, type TestPostgres } from '../servers/postgres.js'
import { startTemporal, type TemporalServer } from '../servers/temporal.js'
import { testPlace } from '../setup/place.js'
import { runCli } from '../stand/run-cli.js'
import { startWorkerProcess, type WorkerProcess } from '../stand/worker-process.js'

let directory: string
let postgres: TestPostgres
let temporal: TemporalServer
let worker: WorkerProcess | undefined

beforeAll(async () => {
  directory = await mkdtemp(`${testPlace()}/hfi-`)
  await chmod(directory, 0o755)
  postgres = await startPostgres({ major: 15, directory, configuration: 'outside' })
  temporal = await startTemporal({ directory: join(directory, 'temporal') })
})

afterAll(async () => {
  await worker?.stop()
  await temporal?.stop()
  await postgres?.dispose()
  await rm(directory, { recursive: true, force: true })
})

test('what init makes and prints is all that a backup needs', async () => {
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: directory,
    HOLDFAST_CONFIG: join(directory, 'etc', 'holdfast.yaml'),
    TEMPORAL_ADDRESS: temporal.address,
  }
  const places = ['--directory', join(directory, 'backups'), '--state-directory', join(directory, 'state')]
  const server = ['--server', `127.0.0.1:${postgres.port}`, '--role', 'Back Up']
  const init = await runCli(['init', '--yes', '--no-doctor', '--json', '--system', 'shop', ...server, ...places], env)
  expect(init, init.stderr).toMatchObject({ exitCode: 0 })
  const { role, hostAccess } = JSON.parse(init.stdout) as InitReport

  // Nobody else is let in but the superuser.
  const hostAccessFile = join(postgres.directory, 'etc', 'pg_hba.conf')
  await writeFile(hostAccessFile, 'host all postgres 127.0.0.1/32 scram-sha-256\n')
  await appendFile(hostAccessFile, `${hostAccess.join('\n')}\n`)
  await postgres.sql('select pg_reload_conf()')
  // The test's superuser comes with a password, over TCP.
  const commands = `${role.create}\n${role.readFiles}\n`.replaceAll(/^(runuser -u postgres --|sudo -u postgres) psql/gm, 'psql')
  const superuser = { PGHOST: postgres.host, PGUSER: postgres.user, PGPASSWORD: postgres.password }
  await execa('bash', ['-euo', 'pipefail', '-c', commands], { env: { PATH: env.PATH, ...superuser }, extendEnv: false })

  worker = await startWorkerProcess(env, join(directory, 'worker.log'))
  const doctor = await runCli(['doctor'], env)
  expect(doctor, doctor.stdout).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/ 0 warnings, 0 failures$/) })
  const backup = await runCli(['backup', 'shop'], env)
  expect(backup, backup.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('is complete') })
  expect((await runCli(['ls', 'shop'], env)).stdout).toMatch(/shop_full_\S+ .* local$/)
})
