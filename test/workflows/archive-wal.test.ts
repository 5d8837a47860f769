import { Context } from '@temporalio/activity'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { Condition } from '../../src/domain/condition.js'
import { backupWorkflowId, dropGuardSignal, progressSignal } from '../../src/domain/contract-names.js'
import { untilCancelled } from './until-cancelled.js'
import { finalFailure, openWorkflowBench, type WorkflowBench } from './workflow-bench.js'

/* The real workflow on a real Temporal server; all activities are mocked. */

let bench: WorkflowBench

beforeAll(async () => {
  bench = await openWorkflowBench(inject('temporalAddress'))
})

afterAll(async () => {
  await bench?.close()
})

const gap: Condition = { code: 'WAL_GAP', message: 'from 0/1 to 0/2', hint: '', since: '2026-01-10T03:00:00.000Z' }

describe.concurrent('archiveWal, with mocked activities', () => {
  test('watches one job that receives and one for each repository, and stops them when it is cancelled', async () => {
    const play = await bench.archive()
    await Promise.all([
      play.began('receiveWal shop'),
      play.began('replicateWal shop local'),
      play.began('replicateWal shop primary'),
    ])
    await play.handle.cancel()
    expect(await play.ending).toEqual({ outcome: 'cancelled' })
    expect(play.calls.slice(-1)).toEqual(['stopWal shop'])
    expect(play.calls).not.toContain('dropGuard shop')
  })

  test('the guard goes when that was asked for, after the jobs', async () => {
    const play = await bench.archive()
    await play.began('receiveWal shop')
    await play.handle.signal(dropGuardSignal)
    await play.handle.cancel()
    await play.ending
    expect(play.calls.slice(-2)).toEqual(['stopWal shop', 'dropGuard shop'])
  })

  test('a job that fails for good is started again, and what is wrong is shown meanwhile', async () => {
    let tries = 0
    const play = await bench.archive({
      async receiveWal() {
        tries += 1
        if (tries === 1) throw finalFailure('SECRET_MISSING')
        await untilCancelled()
      },
    })
    await play.began('receiveWal shop', 2)
    expect(play.calls.filter((call) => call === 'replicateWal shop primary')).toHaveLength(1)
    await play.handle.cancel()
    await play.ending
  })

  test('a gap that nothing can mend starts one full backup', async () => {
    const play = await bench.archive({
      async receiveWal() {
        const context = Context.current()
        const { workflowExecution } = context.info
        const handle = context.client.workflow.getHandle(workflowExecution?.workflowId ?? '')
        for (const message of [gap.message, gap.message]) {
          await handle.signal(progressSignal, { step: 'receive', doneBytes: 0, conditions: [{ ...gap, message }] })
        }
        await untilCancelled()
      },
    })
    await play.began('receiveWal shop')
    const backup = bench.handle(backupWorkflowId('shop', 'full'))
    await expect
      .poll(async () => (await backup.describe().catch(() => undefined))?.status.name, { timeout: 20_000 })
      .toBeDefined()
    const status = await play.status()
    expect(status.steps[0]?.progress?.conditions).toEqual([gap])
    await play.handle.cancel()
    await play.ending
    const children = (await play.handle.fetchHistory()).events?.filter(
      (event) => event.startChildWorkflowExecutionInitiatedEventAttributes != null,
    )
    expect(children).toHaveLength(1)
    await backup.terminate().catch(() => undefined)
  })
})
