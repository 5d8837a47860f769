import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { markdownTable } from '../../bench/markdown-table.js'
import { readSettings } from '../../bench/settings.js'
import { replaceMeasured } from '../../bench/write-docs.js'

test('figures take the place of the last ones in the page, and nothing else changes', async () => {
  const page = await readFile('docs/performance.md', 'utf8')
  const once = replaceMeasured(page, 'first figures')
  const twice = replaceMeasured(once, 'second figures')
  expect(once).toContain('first figures')
  expect(twice).toBe(once.replace('first figures', 'second figures'))
})

test('a page without the markers is refused', () => {
  expect(() => replaceMeasured('# Performance\n', 'figures')).toThrow('once each')
})

test('cells stand in columns', () => {
  const table = markdownTable(
    ['', 'time'],
    [
      ['Holdfast', '9.1 s'],
      ['another', '10 s'],
    ],
  )
  expect(table.split('\n')).toEqual([
    '|          |  time |',
    '| -------- | ----: |',
    '| Holdfast | 9.1 s |',
    '| another  |  10 s |',
  ])
})

test.each([
  [{ BENCH_RUNS: '1.5' }, 'BENCH_RUNS=1.5'],
  [{ BENCH_SCALE: 'x' }, 'BENCH_SCALE=x'],
  [{ BENCH_SCALE: '0.001' }, 'BENCH_SCALE=0.001'],
  [{ BENCH_RUN: '1' }, 'BENCH_RUN:'],
])('%j is refused', (env, message) => {
  expect(() => readSettings(env)).toThrow(message)
})

test('without variables it is the full size, five runs, and the page is left alone', () => {
  expect(readSettings({})).toEqual({ scale: 1, runs: 5, docs: 'left' })
})
