import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { backupWorkflowId, progressSignal } from '../../src/domain/contract-names.js'
import { startTemporal, type TemporalServer } from '../servers/temporal.js'
import { gap, tellGap } from './tell-gap.js'
import { untilCancelled } from './until-cancelled.js'
import { openWorkflowBench, type WorkflowBench } from './workflow-bench.js'

/* The real workflow on a real Temporal server that wants short histories; all activities are mocked. */

const eventsAtMost = 40
let directory: string
let temporal: TemporalServer
let bench: WorkflowBench

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'continued-'))
  temporal = await startTemporal({ directory, suggestContinueAsNewAfter: eventsAtMost })
  bench = await openWorkflowBench(temporal.address)
})

afterAll(async () => {
  await bench?.close()
  await temporal?.stop()
  await rm(directory, { recursive: true, force: true })
})

test('archiving (with mocked activities) sees a backup for a gap to its end, and begins it again in the next run where it failed', async () => {
  const play = await bench.archive({ receiveWal: tellGap }, { retryMaximumIntervalMs: 600_000 })
  const backup = bench.cast(backupWorkflowId('shop', 'full'), { captureAttempt: untilCancelled })
  const runningBackup = async () => {
    const seen = await backup.describe().catch(() => undefined)
    return seen?.status.name === 'RUNNING' ? seen.runId : undefined
  }
  const run = async () => (await play.handle.describe()).runId
  await expect.poll(runningBackup, { timeout: 50_000 }).toBeDefined()
  const [firstBackup, firstRun] = [await runningBackup(), await run()]
  for (let doneBytes = 0; doneBytes < eventsAtMost; doneBytes += 1) {
    await play.handle.signal(progressSignal, { step: 'receive', doneBytes, conditions: [gap] })
  }
  await play.status()
  expect(await run()).toBe(firstRun)
  await backup.terminate()
  await expect.poll(run, { timeout: 50_000 }).not.toBe(firstRun)
  await expect.poll(async () => [undefined, firstBackup].includes(await runningBackup()), { timeout: 50_000 }).toBe(false)
  await play.handle.cancel()
  await play.ending
  await backup.terminate()
}, 120_000)
