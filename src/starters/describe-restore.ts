import { describeReached } from '../domain/describe-reached.js'
import type { CheckResult, RestoreReport } from '../domain/operations.js'
import { formatDuration } from '../domain/quantity.js'
import { formatRestoreTarget } from '../domain/recovery-target.js'

/** The end of a restore, for a person. */
export function describeRestore(report: RestoreReport): string {
  const took = formatDuration(Date.parse(report.endedAt) - Date.parse(report.startedAt))
  const { host, port, socketDirectory } = report.connection
  return `${[
    `instance ${report.instance} is RUNNING: ${report.backup} on timeline ${report.timeline}, in ${took}`,
    ...recovered(report),
    `  read from ${report.repositories.join(', ')}`,
    ...report.problems.map((problem) => `  note: ${problem}`),
    describeChecks(report.checks),
    `  connect with: psql -h ${host} -p ${port} (or -h ${socketDirectory})`,
    `  data directory: ${report.dataDirectory}`,
  ].join('\n')}\n`
}

export function describeChecks(checks: readonly CheckResult[]): string {
  const passed = checks.filter(({ outcome }) => outcome === 'passed').length
  const notRun = checks.filter(({ outcome }) => outcome === 'not-run')
  return `  ${passed} checks passed${notRun.map(({ name, message }) => `; not run: ${name} (${message})`).join('')}`
}

function recovered({ recovery, backup }: RestoreReport): string[] {
  if (recovery === undefined) return []
  const { target, timeline, expected, reached } = recovery
  return [
    `  ${describeReached(reached)} (asked for: ${formatRestoreTarget(target)})`,
    `  from ${backup} along timeline ${timeline}; archived were at least ${expected.lsn}, ${expected.at}`,
  ]
}
