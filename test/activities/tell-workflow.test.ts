import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '@temporalio/activity'
import { expect, test } from 'vitest'
import { createConditionTeller } from '../../src/activities/tell-workflow.js'
import type { Condition } from '../../src/domain/condition.js'
import type { Progress } from '../../src/domain/progress.js'

const conflict: Condition = { code: 'WAL_CONFLICT', message: 'it holds another', hint: '', since: '2026-01-10T03:00:00.000Z' }

test('what was told later arrives later, however long the first takes (a mocked client: no server delays one signal of two)', async () => {
  const arrived: unknown[] = []
  const delaysMs = [100]
  const signal = async (_: unknown, { conditions }: Progress) => {
    await sleep(delaysMs.shift() ?? 0)
    arrived.push(conditions?.map(({ code }) => code))
  }
  const context = {
    info: { workflowExecution: { workflowId: 'wal/shop', runId: 'run-1' } },
    client: { workflow: { getHandle: () => ({ signal }) } },
    log: { debug: () => undefined },
  } as unknown as Context
  const tell = createConditionTeller(context)
  tell({ step: 'receive', doneBytes: 0, conditions: [] })
  tell({ step: 'receive', doneBytes: 0, conditions: [conflict] })
  await expect.poll(() => arrived.length).toBe(2)
  expect(arrived).toEqual([[], ['WAL_CONFLICT']])
})
