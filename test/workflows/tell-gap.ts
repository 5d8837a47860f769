import { Context } from '@temporalio/activity'
import type { Condition } from '../../src/domain/condition.js'
import { progressSignal } from '../../src/domain/contract-names.js'
import { untilCancelled } from './until-cancelled.js'

export const gap: Condition = { code: 'WAL_GAP', message: 'from 0/1 to 0/2', hint: '', since: '2026-01-10T03:00:00.000Z' }

/** A job that tells of a gap, twice, and goes on. */
export async function tellGap(): Promise<void> {
  const context = Context.current()
  const { workflowExecution } = context.info
  const handle = context.client.workflow.getHandle(workflowExecution?.workflowId ?? '')
  for (let time = 0; time < 2; time += 1) {
    await handle.signal(progressSignal, { step: 'receive', doneBytes: 0, conditions: [gap] })
  }
  await untilCancelled()
}
