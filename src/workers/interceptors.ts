import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker'
import { toApplicationFailure } from '../activities/application-failure.js'

/** The one edge where our errors become Temporal's. */
export const failureInterceptor: ActivityInboundCallsInterceptor = {
  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>) {
    try {
      return await next(input)
    } catch (error) {
      throw toApplicationFailure(error, 'by-code')
    }
  },
}
