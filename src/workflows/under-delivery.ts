import { CancellationScope, log } from '@temporalio/workflow'
import type { RestoreInput } from '../activities/restore-activities.js'
import type { RestorePlan } from '../domain/plans.js'
import type { HostActivities } from './activity-options.js'
import { failureOf, wasCancelled } from './failures.js'
import type { StatusBoard } from './status-board.js'

interface Delivery {
  readonly host: HostActivities
  readonly plan: RestorePlan
  readonly board: StatusBoard
}

/**
 * Delivers archived WAL beside `work`, which is over when the instance has recovered. What ends the delivery ends the work, too: its
 * reason says more than what a server makes of WAL that does not come.
 * @returns also which copies of WAL were not used, and why
 */
export async function underDelivery<T>(
  { host, plan, board }: Delivery,
  input: RestoreInput,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly problems: readonly string[] }> {
  if (input.choice.recovery === undefined) return { result: await work(), problems: [] }
  const { extractMs, replayMs } = plan.timeouts
  const [working, delivering] = [new CancellationScope(), new CancellationScope()]
  let over = false
  const deliver = async () => {
    try {
      await host.watching('deliver archived WAL', extractMs * 2 + replayMs).deliverWal(input)
    } catch (error) {
      if (!over || !wasCancelled(error)) throw error
    }
  }
  const delivery = delivering.run(() => board.step('WAL', deliver))
  const result = working.run(work)
  try {
    await Promise.race([result, delivery])
  } finally {
    over = true
    working.cancel()
    delivering.cancel()
    await Promise.allSettled([result, delivery])
  }
  return { result: await result, problems: await endDelivery(host, input) }
}

/** What has recovered is not given up for what could not be tidied. */
function endDelivery(host: HostActivities, input: RestoreInput): Promise<readonly string[]> {
  return CancellationScope.nonCancellable(() => host.light('end the delivery').endDelivery(input)).catch((error: unknown) => {
    const { code, message } = failureOf(error)
    log.warn('the delivery of WAL was not tidied', { code, message })
    return [`the delivery of WAL was not tidied: ${message} (${code})`]
  })
}
