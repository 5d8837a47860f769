import { describeGap } from '../domain/describe-gap.js'
import { formatDuration } from '../domain/quantity.js'
import type { RecoveryWindow } from '../domain/recovery-window.js'
import { drawTimelines, type Terminal } from './draw-timelines.js'
import { renderTable } from './table.js'
import { missesObjective, type WindowRow } from './window-rows.js'

const columns = [
  { title: 'REPOSITORY' },
  { title: 'EARLIEST' },
  { title: 'LATEST' },
  { title: 'RPO', align: 'right' },
  { title: 'BASES', align: 'right' },
] as const

/** A table of the repositories, and a picture of each; 80 columns for usual names. Times are in UTC. */
export function describeWindows(system: string, rows: readonly WindowRow[], now: Date, terminal: Terminal): string {
  const table = renderTable(columns, rows.map(cellsOf))
  const pictures = rows.flatMap((row) => ['', `${system} in ${row.repository}`, ...detailsOf(system, row, now, terminal)])
  return `${[...table, ...pictures].join('\n')}\n`
}

function cellsOf(row: WindowRow): string[] {
  const { earliest, latest, actualRpoMs, spans } = row.window
  const bases = new Set(spans.flatMap((span) => span.bases.map(({ backup }) => backup)))
  const rpo = actualRpoMs === undefined ? 'none' : formatDuration(actualRpoMs)
  return [
    row.repository,
    timeOf(earliest?.at),
    timeOf(latest?.at),
    `${rpo}${missesObjective(row) ? ' MISSED' : ''}`,
    String(bases.size),
  ]
}

function detailsOf(system: string, row: WindowRow, now: Date, terminal: Terminal): string[] {
  const { window, rpoObjectiveMs, problems } = row
  const { gaps, foreign } = window
  return [
    ...drawTimelines(window, now, terminal),
    ...archivedOf(window),
    ...(rpoObjectiveMs === undefined
      ? []
      : [`  objective: an RPO of ${formatDuration(rpoObjectiveMs)}${missesObjective(row) ? ', MISSED' : ''}`]),
    ...gaps.map((gap) => `  GAP on timeline ${gap.timeline}: ${describeGap(gap)}`),
    ...foreign.map(
      ({ systemIdentifier, objects, example }) =>
        `  left aside: ${objects} WAL files of cluster ${systemIdentifier}\n    such as ${example}`,
    ),
    ...problems.map((problem) => `  left aside: ${problem}`),
    ...nextStep(system, row),
  ]
}

/** What is missing for a window that goes on to now, and how to get it. */
function nextStep(system: string, row: WindowRow): string[] {
  const { spans, latest, gaps } = row.window
  const backup = `holdfast backup ${system}`
  if (spans.length === 0) return [`  no full backup: nothing can be restored. Take one: ${backup}`]
  if (latest === undefined) return [`  nothing leads to the current timeline. Take a full backup: ${backup}`]
  const isArchived = spans.some(({ pieces, markedTo }) => pieces.length > 0 || markedTo !== undefined)
  if (!isArchived && gaps.length === 0)
    return [
      '  no WAL goes on from a backup: only the ends of backups can be restored.',
      `  With \`wal\` in the configuration: holdfast wal start ${system}`,
    ]
  if (missesObjective(row)) return [`  what holds it up? holdfast wal status ${system}`]
  return []
}

/** Which timelines there are, and how far the WAL reaches on the way to the current one. */
function archivedOf({ timelines, spans }: RecoveryWindow): string[] {
  return timelines.map(({ timeline, parent, current, systemIdentifier }) => {
    const reached = spans.findLast((span) => span.timeline === timeline && span.systemIdentifier === systemIdentifier)
    const from = parent === undefined ? '' : `, from timeline ${parent.timeline} at ${parent.switchLsn}`
    const to = reached === undefined ? 'no base on the way to it' : `up to ${reached.archivedTo}`
    return `  timeline ${timeline}${current ? ' (current)' : ''}${from}: ${to}`
  })
}

function timeOf(at: string | undefined): string {
  return at === undefined ? 'none' : `${at.slice(0, 19)}Z`
}
