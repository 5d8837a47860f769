import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BackupReport, RestoreReport } from '../../src/domain/operations.js'
import { type Stand, startStand } from '../stand/stand.js'
import type { WorkerProcess } from '../stand/worker-process.js'

describe.each([15, 18] as const)('the main job on PostgreSQL %i', (postgresMajor) => {
  let stand: Stand
  let worker: WorkerProcess

  beforeAll(async () => {
    stand = await startStand({ postgresMajor })
    await stand.postgres.fillSample(20_000)
    worker = await stand.startWorker()
  })

  afterAll(async () => {
    await worker?.stop()
    await stand?.close()
  })

  test('a system is backed up to both repositories and restored into a new instance', async () => {
    const backup = await stand.cli('backup', 'shop', '--json')
    expect(backup, backup.stderr).toMatchObject({ exitCode: 0 })
    const report = JSON.parse(backup.stdout) as BackupReport
    expect(report).toMatchObject({
      outcome: 'complete',
      attempts: 1,
      copies: { local: { state: 'committed' }, primary: { state: 'committed' } },
    })

    const restore = await stand.cli('restore', 'shop', '--name', 'copy', '--repository', 'primary', '--json')
    expect(restore, restore.stderr).toMatchObject({ exitCode: 0 })
    const restored = JSON.parse(restore.stdout) as RestoreReport
    expect(restored).toMatchObject({ instance: 'copy', backup: report.backup, repositories: ['primary'] })
  })
})
