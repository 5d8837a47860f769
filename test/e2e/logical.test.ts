import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BackupReport, RestoreReport } from '../../src/domain/operations.js'
import { contentsOfInstance, contentsOfSource } from '../stand/restored.js'
import { type Stand, startStand } from '../stand/stand.js'
import type { WorkerProcess } from '../stand/worker-process.js'

let stand: Stand
let worker: WorkerProcess

beforeAll(async () => {
  stand = await startStand({ kinds: { full: {}, logical: { databases: ['postgres'] } } })
  await stand.postgres.fillSample(20_000)
  await stand.postgres.sql('create schema sales create table orders (id int primary key)')
  worker = await stand.startWorker()
})

afterAll(async () => {
  await worker?.stop()
  await stand?.close()
})

async function done(...args: readonly string[]): Promise<unknown> {
  const result = await stand.cli(...args, '--json')
  expect(result, result.stderr).toMatchObject({ exitCode: 0 })
  return JSON.parse(result.stdout)
}

test('a logical backup goes to both repositories, and from the bucket into a new server of another major version', async () => {
  const report = (await done('backup', 'shop', '--kind', 'logical')) as BackupReport
  expect(report).toMatchObject({
    backup: expect.stringMatching(/^shop_logical_/),
    outcome: 'complete',
    copies: { local: { state: 'committed' }, primary: { state: 'committed' } },
  })
  const restored = (await done(
    ...['restore', 'shop', '--kind', 'logical', '--name', 'copy', '--server-version', '18', '--repository', 'primary'],
  )) as RestoreReport
  expect(restored).toMatchObject({ instance: 'copy', backup: report.backup, repositories: ['primary'], timeline: 1 })
  expect(restored.checks.filter(({ outcome }) => outcome === 'failed')).toEqual([])
  expect(await contentsOfInstance(stand, restored)).toEqual(await contentsOfSource(stand))
  const shown = await stand.cli('show', report.backup)
  expect(shown.stdout).toMatch(/kind +logical.*\n[\s\S]*dumps +by pg_dump/)
})
