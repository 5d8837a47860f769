import { CancellationScope, upsertSearchAttributes } from '@temporalio/workflow'
import type { WalRequest } from '../domain/operations.js'
import { activitiesOn, planning } from './activity-options.js'
import { toWorkflowFailure } from './failures.js'
import { outcomeAttribute } from './search-attribute-keys.js'
import { createStatusBoard } from './status-board.js'

/**
 * Lets the server of a system forget its WAL where the archiving has ended before. Jobs that nobody watches any more end first: they
 * would make the guard anew. It takes minutes at most, and no cancellation ends it half-way.
 */
export async function forgetWal(request: WalRequest): Promise<void> {
  try {
    await CancellationScope.nonCancellable(() => forget(request))
    upsertSearchAttributes([{ key: outcomeAttribute, value: 'complete' }])
  } catch (error) {
    upsertSearchAttributes([{ key: outcomeAttribute, value: 'failed' }])
    throw toWorkflowFailure(error)
  }
}

async function forget(request: WalRequest): Promise<void> {
  const board = createStatusBoard(`WAL of ${request.system}`, ['stop the jobs', 'drop the slot'])
  const plan = await planning.planWal(request)
  const { light } = activitiesOn(plan.queues, plan.timeouts)
  await board.step('stop the jobs', () => light('stop the jobs').stopWal(plan))
  await board.step('drop the slot', () => light('let the server forget its WAL').dropGuard(plan))
}
