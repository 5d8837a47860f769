import { expect, test } from 'vitest'
import { worstLossMs } from '../../scripts/demo/archived-marks.js'

const marks = [
  { atMs: 1000, storedAtMs: 1200 },
  { atMs: 5000, storedAtMs: 5500 },
  { atMs: 7000, storedAtMs: 7100 },
]

test('the worst moment is just before a mark is there: all since the mark before it would be lost', () => {
  expect(worstLossMs(marks, 1200, 7100)).toBe(4500)
  expect(worstLossMs(marks, 5500, 7100)).toBe(2100)
})

test('the time since the last mark counts as well, and without a mark at the beginning nothing is known', () => {
  expect(worstLossMs(marks, 1200, 20_000)).toBe(13_000)
  expect(worstLossMs(marks, 1199, 7100)).toBeUndefined()
})
