import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { backupWorkflowId, dropGuardSignal } from '../../src/domain/contract-names.js'
import { parseSystemName } from '../../src/domain/ids.js'
import { outcomeAttribute } from '../../src/workflows/search-attribute-keys.js'
import { mockedActivities } from './mocked-activities.js'
import { gap, tellGap } from './tell-gap.js'
import { untilCancelled } from './until-cancelled.js'
import { finalFailure, openWorkflowBench, type WorkflowBench } from './workflow-bench.js'

/* The real workflow on a real Temporal server; all activities are mocked. */

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: 120_000 })

let bench: WorkflowBench

beforeAll(async () => {
  bench = await openWorkflowBench(inject('temporalAddress'))
})

afterAll(async () => {
  await bench?.close()
})

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
    await play.began('receiveWal shop')
    const outcome = async () => (await play.handle.describe()).typedSearchAttributes.get(outcomeAttribute)
    await expect.poll(outcome, { timeout: 50_000 }).toBe('degraded')
    await play.began('receiveWal shop', 2)
    expect(play.calls.filter((call) => call === 'replicateWal shop primary')).toHaveLength(1)
    await play.handle.cancel()
    await play.ending
  })

  test('a gap that nothing can mend starts one full backup', async ({ expect }) => {
    const play = await bench.archive({ receiveWal: tellGap })
    await play.began('receiveWal shop')
    const backup = bench.cast(backupWorkflowId('shop', 'full'), { captureAttempt: untilCancelled })
    await expect
      .poll(async () => (await backup.describe().catch(() => undefined))?.status.name, { timeout: 50_000 })
      .toBeDefined()
    const status = await play.status()
    expect(status.steps[0]?.progress?.conditions).toEqual([gap])
    await play.handle.cancel()
    await play.ending
    const children = (await play.handle.fetchHistory()).events?.filter(
      (event) => event.startChildWorkflowExecutionInitiatedEventAttributes != null,
    )
    expect(children).toHaveLength(1)
    const { memo, typedSearchAttributes } = await backup.describe()
    expect(memo).toEqual({ request: { system: 'shop', kind: 'full' } })
    const told = typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value])
    expect(Object.fromEntries(told)).toMatchObject({ HoldfastSystem: 'shop', HoldfastOperation: 'backup' })
    await backup.terminate().catch(() => undefined)
  })

  test('a backup for a gap that fails is tried again, and not one that somebody cancels', async ({ expect }) => {
    const system = parseSystemName('quay')
    const { planWal } = mockedActivities({})
    const play = await bench.archive({
      planWal: async (request) => ({ ...(await planWal(request)), system }),
      receiveWal: tellGap,
    })
    const backup = bench.cast(backupWorkflowId(system, 'full'), { captureAttempt: untilCancelled })
    const events = async () => (await play.handle.fetchHistory()).events ?? []
    const backups = async () =>
      (await events()).filter((event) => event.childWorkflowExecutionStartedEventAttributes != null).length
    await expect.poll(backups, { timeout: 50_000 }).toBeGreaterThanOrEqual(1)
    await backup.terminate()
    await expect.poll(backups, { timeout: 50_000 }).toBeGreaterThanOrEqual(2)
    await backup.cancel()
    // It settles, as after one that ended well.
    const settles = async () =>
      (await events()).some((event) => Number(event.timerStartedEventAttributes?.startToFireTimeout?.seconds) === 30)
    await expect.poll(settles, { timeout: 50_000 }).toBe(true)
    await play.handle.cancel()
    await play.ending
  })

  test('a gap waits for a backup that runs already, and the one it starts then goes on when the archiving is stopped', async ({
    expect,
  }) => {
    const system = parseSystemName('yard')
    const { planWal } = mockedActivities({})
    const backup = bench.cast(backupWorkflowId(system, 'full'), { captureAttempt: untilCancelled })
    const before = await bench.occupy(backupWorkflowId(system, 'full'))
    const play = await bench.archive({
      planWal: async (request) => ({ ...(await planWal(request)), system }),
      receiveWal: tellGap,
    })
    const refused = async () =>
      (await play.handle.fetchHistory()).events?.some((event) => event.startChildWorkflowExecutionFailedEventAttributes != null)
    await expect.poll(refused, { timeout: 50_000 }).toBe(true)
    await before.terminate()
    const running = async () => {
      const { status, runId } = await backup.describe()
      return status.name === 'RUNNING' && runId !== before.firstExecutionRunId
    }
    await expect.poll(running, { timeout: 50_000 }).toBe(true)
    await play.handle.cancel()
    expect(await play.ending).toEqual({ outcome: 'cancelled' })
    expect(await running()).toBe(true)
    await backup.cancel()
    await backup.result().catch(() => undefined)
  })
})

describe.concurrent('forgetWal, with mocked activities', () => {
  test('ends jobs that are left before the guard goes, and no cancellation keeps the guard', async () => {
    const play = await bench.forget()
    await play.handle.cancel()
    expect(await play.ending).toMatchObject({ outcome: 'done' })
    expect(play.calls).toEqual(['planWal', 'stopWal shop', 'dropGuard shop'])
  })

  test('a host without a worker is told as such, once the time of a small step is over', async () => {
    const { planWal } = mockedActivities({ lightMs: 100 })
    const queues = { host: 'host-nobody', bulk: 'host-nobody-bulk' }
    const play = await bench.forget({ planWal: async (request) => ({ ...(await planWal(request)), queues }) })
    expect(await play.ending).toEqual({
      outcome: 'failed',
      code: 'NO_WORKER',
      message: 'no worker took activity stopWal',
    })
  })
})
