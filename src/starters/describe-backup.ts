import type { BackupReport, CopyState } from '../domain/operations.js'
import { formatBytes, formatDuration } from '../domain/quantity.js'

/** The end of a backup, for a person. */
export function describeBackup(report: BackupReport): string {
  const took = formatDuration(Date.parse(report.endedAt) - Date.parse(report.startedAt))
  const copies = Object.entries<CopyState>(report.copies).flatMap(([repository, copy]) => describeCopy(repository, copy))
  const attempts = report.attempts === 1 ? '' : `, attempt ${report.attempts}`
  const data = report.dataBytes === undefined ? '' : `${formatBytes(report.dataBytes)} of data, `
  const size = `${data}${formatBytes(report.storedBytes)} stored`
  const headline = `backup ${report.backup} is ${report.outcome}: ${size}; captured and copied in ${took}${attempts}`
  const next =
    report.outcome === 'degraded' ? ['  a missing copy is not sent later: mend the cause, then take another backup'] : []
  return `${[headline, ...copies, ...next, ...report.warnings.map((warning) => `  note: ${warning}`)].join('\n')}\n`
}

function describeCopy(repository: string, copy: CopyState): string[] {
  if (copy.state === 'committed') return [`  ${repository}: committed`]
  const left =
    copy.left === undefined
      ? []
      : ['    what was sent, if anything, could not be removed: see "What is left after a crash" in docs/operations.md']
  return [
    `  ${repository}: MISSING: ${copy.message}`,
    `    ${copy.code}${copy.hint === undefined ? '' : `; ${copy.hint}`}`,
    ...left,
  ]
}
