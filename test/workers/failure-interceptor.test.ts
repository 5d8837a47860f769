import { setTimeout as delay } from 'node:timers/promises'
import { Context } from '@temporalio/activity'
import { CancelledFailure } from '@temporalio/common'
import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { expect, test } from 'vitest'
import { failureInterceptor } from '../../src/workers/interceptors.js'

type Next = Parameters<NonNullable<typeof failureInterceptor.execute>>[1]

/** @param reason of the end; it goes on until then */
async function endOf(activity: () => Promise<unknown>, reason?: 'WORKER_SHUTDOWN' | 'CANCELLED'): Promise<unknown> {
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') })
  const running = environment.run(() => failureInterceptor.execute?.({ args: [], headers: {} }, activity as Next) ?? activity())
  if (reason !== undefined) environment.cancel(reason)
  return await (running as Promise<unknown>).catch((error: unknown) => error)
}

const waiting = () => delay(600_000, undefined, { signal: Context.current().cancellationSignal })

test.each(['WORKER_SHUTDOWN', 'CANCELLED'] as const)(
  'what waits when the activity is to end (%s) ends with the reason, not as a defect',
  async (reason) => {
    const end = await endOf(waiting, reason)
    expect(end).toBeInstanceOf(CancelledFailure)
    expect((end as CancelledFailure).message).toBe(reason)
  },
)

test('an abort that is none of the activity is a defect', async () => {
  const end = await endOf(() => delay(600_000, undefined, { signal: AbortSignal.abort() }))
  expect(end).toMatchObject({ type: 'INTERNAL', nonRetryable: true })
})
