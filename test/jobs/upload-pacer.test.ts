import { expect, test } from 'vitest'
import { createUploadPacer } from '../../src/jobs/upload-pacer.js'

const never = new AbortController().signal

test('what is sent at once is spread over time, in the order it was asked for', async () => {
  const pace = createUploadPacer(1_000_000)
  const startedAt = performance.now()
  const order: number[] = []
  await Promise.all([1, 2, 3].map((number) => pace(100_000, never).then(() => order.push(number))))
  expect(order).toEqual([1, 2, 3])
  // The third may begin when the first two are through; timers may be a millisecond early.
  expect(performance.now() - startedAt).toBeGreaterThan(198)
})

test('without a limit nothing waits', async () => {
  const pace = createUploadPacer(undefined)
  await Promise.all(Array.from({ length: 1000 }, () => pace(1e12, never)))
})

test('an abort ends the wait', async () => {
  const pace = createUploadPacer(1)
  const controller = new AbortController()
  await pace(1000, controller.signal)
  const waiting = pace(1000, controller.signal)
  controller.abort()
  await expect(waiting).rejects.toThrow()
})
