import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatLsn, parseLsn, segmentNameAt } from '../../src/domain/lsn.js'
import {
  historyFileName,
  historyFileTimeline,
  isSegmentSize,
  nextSegmentName,
  parseSegmentName,
  previousSegmentName,
  segmentName,
  segmentNumberAt,
  segmentStart,
} from '../../src/domain/wal.js'

const megabyte = 2 ** 20
const sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]

describe('the name of a segment', () => {
  test('tells timeline and number for every segment size, and comes back', () => {
    const positions = fc.record({
      timeline: fc.integer({ min: 1, max: 0xffff_ffff }),
      lsn: fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
      size: fc.constantFrom(...sizes).map((size) => size * megabyte),
    })
    fc.assert(
      fc.property(positions, ({ timeline, lsn, size }) => {
        const name = segmentNameAt(timeline, formatLsn(lsn), size)
        const number = segmentNumberAt(formatLsn(lsn), size)
        expect(parseSegmentName(name, size)).toEqual({ timeline, number })
        expect(segmentName({ timeline, number }, size)).toBe(name)
        expect(segmentStart(number, size)).toBe(formatLsn(lsn - (lsn % BigInt(size))))
      }),
      { numRuns: 100, seed: 1 },
    )
  })

  test.each([
    ['0000000100000000000000FF', 16, '000000010000000100000000'],
    ['0000000100000000000000FF', 1, '000000010000000000000100'],
    ['000000010000000000000FFF', 1, '000000010000000100000000'],
    ['000000010000000000000003', 1024, '000000010000000100000000'],
  ])('%s is followed by the right one of segments of %i MiB', (name, size, next) => {
    expect(nextSegmentName(name, size * megabyte)).toBe(next)
    expect(previousSegmentName(next, size * megabyte)).toBe(name)
  })

  test.each([
    ['000000010000000000000100', 16],
    ['000000010000000000000004', 1024],
    ['000000000000000000000001', 16],
    ['00000001000000000000000a', 16],
    ['00000001000000000000000', 16],
    ['00000002.history', 16],
  ])('%s is no name where segments have %i MiB', (name, size) => {
    expect(() => parseSegmentName(name, size * megabyte)).toThrow(expect.objectContaining({ code: 'INVALID_NAME' }))
  })

  test('has none before the first', () => {
    expect(() => previousSegmentName('000000010000000000000000', 16 * megabyte)).toThrow('there is no segment before')
  })

  test('is asked for sizes initdb takes', () => {
    expect(sizes.every((size) => isSegmentSize(size * megabyte))).toBe(true)
    expect([0, megabyte / 2, 3 * megabyte, 2048 * megabyte, Number.NaN].some(isSegmentSize)).toBe(false)
    expect(segmentNumberAt(parseLsn('0/1000000'), 16 * megabyte)).toBe(1n)
  })
})

test('history files have the timeline in their names, and the first timeline has none', () => {
  expect(historyFileName(26)).toBe('0000001A.history')
  expect(historyFileTimeline('0000001A.history')).toBe(26)
  for (const name of ['00000001.history', '00000000.history', '0000001a.history', '2.history', '00000002'])
    expect(historyFileTimeline(name)).toBeUndefined()
})
