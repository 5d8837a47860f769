import fc from 'fast-check'
import { expect, test } from 'vitest'
import { editDistance, nearest } from '../../src/domain/nearest.js'
import { formatBytes, formatDuration, formatRate, parseByteSize, parseDuration, parseRate } from '../../src/domain/quantity.js'

test.each([
  ['250ms', 250],
  ['90s', 90_000],
  ['1.5h', 5_400_000],
  ['1h30m', 5_400_000],
  ['1h 30m', 5_400_000],
  ['-24h', -86_400_000],
  ['2d', 172_800_000],
  ['1w', 604_800_000],
  ['0s', 0],
  [' 5m ', 300_000],
])('the duration %s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each(['', '5', '5 m', 'm', '5M', '5m3', '1h-30m', '1,5h', '5mm', '١s'])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined()
})

test.each([
  ['512B', 512],
  ['1kB', 1000],
  ['1KB', 1000],
  ['16MiB', 16_777_216],
  ['1.5 GB', 1_500_000_000],
  ['1TiB', 1_099_511_627_776],
])('the size %s is %d bytes', (text, bytes) => {
  expect(parseByteSize(text)).toBe(bytes)
})

test.each(['', '16', '16M', '16Mb', '-1MB', 'MB', '1 MB/s'])('%j is no size', (text) => {
  expect(parseByteSize(text)).toBeUndefined()
})

test('a rate is a size for each second', () => {
  expect([parseRate('50MB/s'), parseRate('1 MiB / s'), parseRate('50MB'), parseRate('50/s')]).toEqual([
    50_000_000,
    1_048_576,
    undefined,
    undefined,
  ])
})

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.00 kB'],
  [999_499, '999 kB'],
  [999_500, '1.00 MB'],
  [2_450_000_000, '2.45 GB'],
  [12_345_678, '12.3 MB'],
  [9.999e12, '10.0 TB'],
])('%d bytes are shown as %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
  expect(formatRate(bytes)).toBe(`${text}/s`)
})

test.each([
  [0, '0ms'],
  [250, '250ms'],
  [4500, '4.5s'],
  [59_960, '1m 00s'],
  [125_000, '2m 05s'],
  [3_599_700, '1h 00m'],
  [3_720_000, '1h 02m'],
  [86_399_999, '1d 00h'],
  [273_600_000, '3d 04h'],
  [-90_000, '-1m 30s'],
])('%d ms are shown as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

test('a duration that is shown reads back as nearly the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e12, max: 1e12 }), (ms) => {
      const back = parseDuration(formatDuration(ms))
      // Two units are shown: hours beside days are the coarsest, half an hour of a day and more.
      expect(Math.abs((back ?? Number.NaN) - ms)).toBeLessThanOrEqual(Math.max(50, Math.abs(ms) * 0.022))
    }),
  )
})

test('a size that is shown reads back within its three digits', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 9e14 }), (bytes) => {
      expect(Math.abs((parseByteSize(formatBytes(bytes)) ?? Number.NaN) - bytes)).toBeLessThanOrEqual(bytes * 0.0051)
    }),
  )
})

test.each([
  ['', 'abc', 3],
  ['abc', 'abc', 0],
  ['hsot', 'host', 1],
  ['kitten', 'sitting', 3],
  ['ca', 'abc', 3],
])('from %j to %j it is %d edits', (from, to, distance) => {
  expect(editDistance(from, to)).toBe(distance)
  expect(editDistance(to, from)).toBe(distance)
})

test('the nearest word is found within a third of its length, and none beyond', () => {
  const words = ['repositories', 'retention', 'region', 'host']
  expect([nearest('repositores', words), nearest('retension', words), nearest('Host', words), nearest('bucket', words)]).toEqual([
    'repositories',
    'retention',
    'host',
    undefined,
  ])
})
