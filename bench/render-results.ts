import { formatBytes } from '../src/domain/quantity.js'
import { markdownTable } from './markdown-table.js'
import { renderReplay } from './render-replay.js'
import type { Results } from './results.js'
import type { Medians, Summary } from './summary.js'

/** Markdown: the machine, tables of backups, restores, memory and goals. */
export function renderResults(results: Results): string {
  const parts = [
    describeRun(results),
    '**Backup**',
    backupTable(results.summaries),
    '**Restore**, from the bucket alone',
    restoreTable(results.summaries),
    '**Replay of archived WAL**',
    renderReplay(results.replay),
    '**Memory of Holdfast** as the data grows',
    flatnessTable(results),
    '**Goals**',
    goalTable(results),
    '**Where the time of Holdfast goes**, in seconds; steps overlap',
    describeSteps(results.summaries),
  ]
  return parts.join('\n\n')
}

function describeRun({ startedAt, runs, scale, dataBytes, machine, tools }: Results): string {
  const { cores, processor, memoryBytes, kernel, system, disk, node, postgres, loadBefore } = machine
  const lines = [
    `${startedAt.slice(0, 10)}, ${formatBytes(dataBytes)} of data (scale ${scale}), medians of ${runs} ${runs === 1 ? 'run' : 'runs'}.`,
    `${cores} cores of ${processor}, ${formatBytes(memoryBytes)} of memory, ${disk}, ${kernel}, ${system}.`,
    `PostgreSQL ${postgres}, Node.js ${node.replace('v', '')}; ${Object.values(tools).join('; ')}.`,
    ...(loadBefore > quietLoad ? [`**The machine was shared**: load ${loadBefore.toFixed(1)} before the start.`] : []),
  ]
  return lines.join('\n')
}

/** What a machine has that does nothing else. */
const quietLoad = 0.5

function backupTable(summaries: readonly Summary[]): string {
  const head = ['', 'time', 'fastest to slowest', 'memory', 'CPU', "the server's CPU", 'stored']
  const rows = summaries.map(({ contender, backup }) => [
    labels[contender],
    seconds(backup.wallMs),
    span(backup),
    formatBytes(backup.peakBytes),
    `${backup.cpuSeconds.toFixed(1)} s`,
    `${(backup.sourceCpuSeconds ?? Number.NaN).toFixed(1)} s`,
    formatBytes(backup.storedBytes ?? Number.NaN),
  ])
  const ours = summaries.find(({ contender }) => contender === 'holdfast')?.backup
  if (ours?.firstCommitMs === undefined) return markdownTable(head, rows)
  const note = `Holdfast's backup exists after ${seconds(ours.firstCommitMs)} in its local repository.${watcherNote(ours)}`
  return `${markdownTable(head, rows)}\n\n${note}`
}

function restoreTable(summaries: readonly Summary[]): string {
  const head = ['', 'time', 'fastest to slowest', 'memory', 'CPU']
  const restored = summaries.flatMap(({ contender, restore }) => (restore === undefined ? [] : [{ contender, restore }]))
  const rows = restored.map(({ contender, restore }) => [
    labels[contender],
    seconds(restore.wallMs),
    span(restore),
    formatBytes(restore.peakBytes),
    `${restore.cpuSeconds.toFixed(1)} s`,
  ])
  const ours = restored.find(({ contender }) => contender === 'holdfast')?.restore
  if (ours?.withoutChecksMs === undefined) return markdownTable(head, rows)
  const note = `Holdfast without the checks of the running server: ${seconds(ours.withoutChecksMs)}.${watcherNote(ours)}`
  return `${markdownTable(head, rows)}\n\n${note}`
}

function watcherNote({ watcherPeakBytes }: Medians): string {
  return watcherPeakBytes === undefined
    ? ''
    : ` The command that shows the progress takes ${formatBytes(watcherPeakBytes)} besides.`
}

function flatnessTable({ flatness }: Results): string {
  const rows = flatness.map(({ dataBytes, backup, restore }) => [
    formatBytes(dataBytes),
    formatBytes(backup.peakBytes),
    formatBytes(restore.peakBytes),
    seconds(backup.wallMs),
    seconds(restore.wallMs),
  ])
  return markdownTable(
    ['data', 'memory of the backup', 'memory of the restore', 'time of the backup', 'time of the restore'],
    rows,
  )
}

function goalTable({ goals }: Results): string {
  const rows = goals.map(({ what, wanted, found, verdict }) => [what, wanted, found, verdict])
  return markdownTable(['', 'goal', 'found', ''], rows)
}

function describeSteps(summaries: readonly Summary[]): string {
  const ours = summaries.find(({ contender }) => contender === 'holdfast')
  const line = (what: string, steps: Readonly<Record<string, number>> = {}) => {
    const long = Object.entries(steps).filter(([, ms]) => ms >= 50)
    return `- ${what}: ${long.map(([name, ms]) => `${name} ${(ms / 1000).toFixed(1)}`).join(', ')}`
  }
  return [line('backup', ours?.backup.stepsMs), line('restore', ours?.restore?.stepsMs)].join('\n')
}

const labels = {
  holdfast: 'Holdfast',
  pgbackrest: 'pgBackRest, 2 processes',
  pg_dump: '`pg_dump -Fc` to `aws s3 cp`',
  bound: '`pg_basebackup` into a directory',
} as const

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

function span({ wallSpanMs: [fastest, slowest] }: Medians): string {
  return `${(fastest / 1000).toFixed(1)} to ${(slowest / 1000).toFixed(1)} s`
}
