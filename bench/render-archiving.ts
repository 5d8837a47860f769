import { formatBytes } from '../src/domain/quantity.js'
import type { ArchivingFigures } from './archiving.js'
import { markdownTable } from './markdown-table.js'

const labels = { holdfast: 'Holdfast', pgbackrest: 'pgBackRest, asynchronous, 2 processes' } as const

/** Figures by amount, so that runs of different scales can be compared. */
export function archivingTable(figures: readonly ArchivingFigures[]): string {
  const rows = figures.map(({ archiver, walBytes, writtenMs, wallMs, cpuSeconds, peakBytes, storedBytes }) => [
    labels[archiver],
    formatBytes(walBytes),
    `${(wallMs / 1000).toFixed(1)} s`,
    `${((wallMs - writtenMs) / 1000).toFixed(1)} s`,
    `${(walBytes / 1e6 / (wallMs / 1000)).toFixed(0)} MB/s`,
    `${(cpuSeconds / (walBytes / 1e9)).toFixed(1)} s`,
    formatBytes(peakBytes),
    formatBytes(storedBytes),
  ])
  return markdownTable(['', 'WAL', 'time', 'after the last byte', 'rate', 'CPU for 1 GB', 'memory', 'stored'], rows)
}
