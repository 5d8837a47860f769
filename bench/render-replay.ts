import { formatBytes } from '../src/domain/quantity.js'
import { markdownTable } from './markdown-table.js'
import type { Replay } from './replay.js'

export function renderReplay({ walBytes, summaries }: Replay): string {
  const bound = summaries.find(({ replayer }) => replayer === 'cp')?.wallMs
  const rows = summaries.map(({ replayer, wallMs, wallSpanMs: [fastest, slowest] }) => [
    labels[replayer],
    `${seconds(wallMs)} s`,
    `${seconds(fastest)} to ${seconds(slowest)} s`,
    `${formatBytes((walBytes / wallMs) * 1000)}/s`,
    bound === undefined ? '-' : `${(wallMs / bound).toFixed(2)} ×`,
  ])
  const table = markdownTable(['', 'time', 'fastest to slowest', 'WAL', 'against `cp`'], rows)
  return `${formatBytes(walBytes)} of WAL.\n\n${table}`
}

const labels = {
  holdfast: 'Holdfast, local repository',
  'holdfast-bucket': 'Holdfast, from the bucket',
  pgbackrest: 'pgBackRest `archive-get`, asynchronous, from the bucket',
  cp: '`cp` from a directory',
} as const

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1)
}
