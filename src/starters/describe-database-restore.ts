import type { DatabaseRestoreReport } from '../domain/operations.js'
import { formatDuration } from '../domain/quantity.js'
import { describeChecks } from './describe-restore.js'
import { databaseArgument, shellWord } from './shell-words.js'

/** The end of a restore into a database, for a person. */
export function describeDatabaseRestore(report: DatabaseRestoreReport): string {
  const took = formatDuration(Date.parse(report.endedAt) - Date.parse(report.startedAt))
  const { host, port, user } = report.connection
  return `${[
    `database ${report.database} of ${report.into} is there: ${report.from} of ${report.backup}, in ${took}`,
    `  read from ${report.repositories.join(', ')}`,
    ...report.problems.map((problem) => `  note: ${problem}`),
    ...describeChecks(report.checks),
    `  connect with: psql -h ${host} -p ${port} -U ${shellWord(user)} ${databaseArgument(report.database)}`,
  ].join('\n')}\n`
}
