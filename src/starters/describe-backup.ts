import type { BackupReport, CopyState } from '../domain/operations.js'
import { formatBytes, formatDuration } from '../domain/quantity.js'

/** The end of a backup, for a person. */
export function describeBackup(report: BackupReport): string {
  const took = formatDuration(Date.parse(report.endedAt) - Date.parse(report.startedAt))
  const copies = Object.entries<CopyState>(report.copies).map(([repository, copy]) =>
    copy.state === 'committed' ? `  ${repository}: committed` : `  ${repository}: MISSING: ${copy.message} (${copy.code})`,
  )
  const attempts = report.attempts === 1 ? '' : `, attempt ${report.attempts}`
  const headline = `backup ${report.backup} is ${report.outcome}: ${formatBytes(report.storedBytes)} in ${took}${attempts}`
  return `${[headline, ...copies, ...report.warnings.map((warning) => `  note: ${warning}`)].join('\n')}\n`
}
