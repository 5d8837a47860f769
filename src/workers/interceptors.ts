import { Context, type Info } from '@temporalio/activity'
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker'
import { toApplicationFailure } from '../activities/application-failure.js'

/** The one edge where our errors become Temporal's. */
export const failureInterceptor: ActivityInboundCallsInterceptor = {
  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>) {
    const { info, cancellationSignal } = Context.current()
    const begunAtMs = performance.now()
    try {
      return await next(input)
    } catch (error) {
      throw toApplicationFailure(
        reasonOf(error, cancellationSignal),
        isLastTry(info, performance.now() - begunAtMs) ? 'final' : 'by-code',
      )
    }
  },
}

/**
 * What waits with our signal ends with Node's own AbortError: then why the activity was to end is what happened, a cancellation or a worker
 * that shuts down, and no defect.
 */
function reasonOf(error: unknown, cancellation: AbortSignal): unknown {
  return cancellation.aborted && error instanceof Error && error.name === 'AbortError' ? cancellation.reason : error
}

/** Of the time an activity has for all its tries together, this much at its end is not tried in any more; two minutes at most. */
const lastPart = 1 / 4
const lastPartAtMostMs = 120_000

/**
 * Shortly before the end of an activity's time a failure is its last: a further try might be cut off in the middle, and then
 * "timed out" would be all that anybody learns. By the server's clock, for ours may differ.
 */
export function isLastTry(
  info: Pick<Info, 'scheduledTimestampMs' | 'currentAttemptScheduledTimestampMs' | 'scheduleToCloseTimeoutMs'>,
  tookMs: number,
): boolean {
  const { scheduledTimestampMs, currentAttemptScheduledTimestampMs, scheduleToCloseTimeoutMs: limitMs } = info
  // Zero: no limit.
  if (!(limitMs > 0)) return false
  const leftMs = limitMs - (currentAttemptScheduledTimestampMs - scheduledTimestampMs) - tookMs
  return leftMs < Math.min(limitMs * lastPart, lastPartAtMostMs)
}
