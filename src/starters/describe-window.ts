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
  const pictures = rows.flatMap((row) => ['', `${system} in ${row.repository}`, ...detailsOf(row, now, terminal)])
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

function detailsOf(row: WindowRow, now: Date, terminal: Terminal): string[] {
  const { window, rpoObjectiveMs, problems } = row
  const { gaps, foreign, latest } = window
  return [
    ...drawTimelines(window, now, terminal),
    ...(latest === undefined ? ['  nothing can be restored on the way to the current timeline'] : []),
    ...archivedOf(window),
    ...(rpoObjectiveMs === undefined
      ? []
      : [`  objective: an RPO of ${formatDuration(rpoObjectiveMs)}${missesObjective(row) ? ', MISSED' : ''}`]),
    ...gaps.map((gap) => `  GAP on timeline ${gap.timeline}: ${describeGap(gap)}`),
    ...foreign.map(
      ({ systemIdentifier, objects, example }) =>
        `  left aside: ${objects} WAL files of cluster ${systemIdentifier}, such as ${example}`,
    ),
    ...problems.map((problem) => `  left aside: ${problem}`),
  ]
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
