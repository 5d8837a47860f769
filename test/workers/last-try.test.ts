import { expect, test } from 'vitest'
import { isLastTry } from '../../src/workers/interceptors.js'

const minute = 60_000

test.each([
  ['early in its time', 10_000, 1000, 100, false],
  ['in the last tenth of it', 10_000, 8900, 200, true],
  ['in the last tenth, having begun before', 10_000, 1000, 8100, true],
  ['minutes before the end of hours', 600 * minute, 590 * minute, 0, false],
  ['in the last minute of hours', 600 * minute, 599 * minute, 100, true],
  ['where there is no limit', 0, 600 * minute, 0, false],
])('of a try that fails %s it is known whether it is the last', (_when, limitMs, begunAfterMs, tookMs, last) => {
  const scheduledTimestampMs = Date.parse('2026-01-10T03:00:00Z')
  const currentAttemptScheduledTimestampMs = scheduledTimestampMs + begunAfterMs
  expect(isLastTry({ scheduledTimestampMs, currentAttemptScheduledTimestampMs, scheduleToCloseTimeoutMs: limitMs }, tookMs)).toBe(
    last,
  )
})
