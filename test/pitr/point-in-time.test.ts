import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { RestoreReport } from '../../src/domain/operations.js'
import { type Stand, startStand } from '../stand/stand.js'
import { startTestArchiver, type TestArchiver } from '../stand/test-archiver.js'
import type { WorkerProcess } from '../stand/worker-process.js'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let stand: Stand
let worker: WorkerProcess
let archiver: TestArchiver

beforeAll(async () => {
  stand = await startStand({})
  await stand.postgres.sql('create table numbered (number serial primary key, at timestamptz default clock_timestamp())')
  archiver = await startTestArchiver(stand.postgres, stand)
  worker = await stand.startWorker()
  const backup = await stand.cli('backup', 'shop')
  expect(backup, backup.stderr).toMatchObject({ exitCode: 0 })
})

afterAll(async () => {
  await archiver?.stop()
  await worker?.stop()
  await stand?.close()
})

test('a restore to a time', async () => {
  for (let i = 0; i < 5; i++) await stand.postgres.sql('insert into numbered default values')
  const [row] = await stand.postgres.sql<{ at: Date }>('select clock_timestamp() as at')
  await sleep(50)
  for (let i = 0; i < 5; i++) await stand.postgres.sql('insert into numbered default values')
  await archiver.archive()
  const result = await stand.cli(
    'restore',
    'shop',
    '--name',
    'copy',
    '--to',
    row?.at.toISOString() ?? '',
    '--repository',
    'primary',
    '--json',
  )
  expect(result, result.stderr).toMatchObject({ exitCode: 0 })
  const report = JSON.parse(result.stdout) as RestoreReport
  console.log(report, result.stderr)
  const client = new pg.Client({
    host: '127.0.0.1',
    port: report.connection.port,
    user: 'postgres',
    password: stand.postgres.password,
    database: 'postgres',
  })
  await client.connect()
  expect((await client.query('select count(*)::int as n from numbered')).rows).toEqual([{ n: 5 }])
  await client.end()
})
