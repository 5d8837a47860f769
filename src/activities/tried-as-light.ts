import { Context } from '@temporalio/activity'
import type { Config } from '../config/config.js'
import { lightTries } from '../domain/plans.js'
import { toApplicationFailure } from './application-failure.js'

/**
 * For steps that may take long when all is well, and are given up as soon as a light one when it is not: a failure of a try that began
 * when a light step would begin its last is final. Both times are the server's, so clocks do not matter.
 */
export async function triedAsLight<T>({ timeouts }: Config, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    const { scheduledTimestampMs, currentAttemptScheduledTimestampMs } = Context.current().info
    const isLast = currentAttemptScheduledTimestampMs - scheduledTimestampMs >= timeouts.lightMs * (lightTries - 1)
    throw isLast ? toApplicationFailure(error, 'final') : error
  }
}
