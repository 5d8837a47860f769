import { expect, test } from 'vitest'
import { archivingTable } from '../../bench/render-archiving.js'

test('archiving is shown by amount, so that runs of different scales compare', () => {
  const figures = {
    archiver: 'holdfast',
    walBytes: 2e9,
    writtenMs: 18_000,
    wallMs: 20_000,
    cpuSeconds: 16,
    peakBytes: 3e8,
    storedBytes: 6e8,
  } as const
  const [, , row] = archivingTable([figures]).split('\n')
  expect(row?.split('|').map((cell) => cell.trim())).toEqual([
    '', 'Holdfast', '2.00 GB', '20.0 s', '2.0 s', '100 MB/s', '8.0 s', '300 MB', '600 MB', '',
  ]) // biome-ignore format: a row is a line
})
