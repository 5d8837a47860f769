import { formatBytes, formatDuration } from '../domain/quantity.js'
import type { ListRow, RowCopy } from './list-rows.js'
import { renderTable } from './table.js'

const columns = [
  { title: 'BACKUP' },
  { title: 'DATA', align: 'right' },
  { title: 'STORED', align: 'right' },
  { title: 'CAPTURE', align: 'right' },
  { title: 'REPOSITORIES' },
] as const

/** The backups as a table that fits 80 columns for usual names; what does not fit a cell stands below its line. */
export function describeList(rows: readonly ListRow[]): string {
  if (rows.length === 0) return 'there are no backups\n'
  const [head = '', ...lines] = renderTable(columns, rows.map(cellsOf))
  const noted = lines.flatMap((line, index) => {
    const row = rows[index]
    return row === undefined ? [line] : [line, ...notesOf(row).map((note) => `    ${note}`)]
  })
  return `${[head, ...noted].join('\n')}\n`
}

function cellsOf(row: ListRow): string[] {
  return [
    row.backup,
    row.dataBytes === undefined ? '?' : formatBytes(row.dataBytes),
    row.storedBytes === undefined ? '?' : formatBytes(row.storedBytes),
    row.durationMs === undefined ? '?' : formatDuration(row.durationMs),
    placesOf(row),
  ]
}

function placesOf({ repositories, degraded }: ListRow): string {
  const whole = repositories.filter(({ state }) => state === 'committed').map(({ repository }) => repository)
  return `${whole.length === 0 ? 'nowhere whole' : whole.join(', ')}${degraded ? ' DEGRADED' : ''}`
}

function notesOf({ repositories, milestone, encrypted }: ListRow): string[] {
  const missing = repositories.filter(({ state }) => state === 'missing').map(({ repository }) => repository)
  return [
    ...(milestone === undefined ? [] : [`milestone: ${milestone}`]),
    ...(encrypted === false ? ['not encrypted'] : []),
    ...(missing.length === 0 ? [] : [`not in ${missing.join(', ')}`]),
    ...repositories.filter(({ state }) => state === 'damaged').map(damageOf),
  ]
}

function damageOf({ repository, message, code }: RowCopy): string {
  return `DAMAGED in ${repository}: ${message} (${code})`
}
