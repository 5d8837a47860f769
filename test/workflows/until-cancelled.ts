import { Context } from '@temporalio/activity'

/** In a mocked activity: goes on until it is cancelled. */
export async function untilCancelled(): Promise<never> {
  const context = Context.current()
  const pulse = setInterval(() => context.heartbeat(), 50)
  try {
    return await context.cancelled
  } finally {
    clearInterval(pulse)
  }
}
