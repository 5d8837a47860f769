import { describeReached } from '../domain/describe-reached.js'
import { type CheckResult, type RestoreReport, statementsCheck } from '../domain/operations.js'
import { formatDuration } from '../domain/quantity.js'
import { formatRestoreTarget } from '../domain/recovery-target.js'
import { databaseArgument, shellWord } from './shell-words.js'

/** The end of a restore, for a person. */
export function describeRestore(report: RestoreReport): string {
  const took = formatDuration(Date.parse(report.endedAt) - Date.parse(report.startedAt))
  return `${[
    `instance ${report.instance} is RUNNING: ${report.backup} on timeline ${report.timeline}, in ${took}`,
    ...recovered(report),
    `  read from ${report.repositories.join(', ')}`,
    ...report.problems.map((problem) => `  note: ${problem}`),
    ...describeChecks(report.checks),
    ...describeConnection(report.connection),
    `  data directory: ${report.dataDirectory}`,
  ].join('\n')}\n`
}

/** What is missing stands on a line of its own, before everything that is well. */
export function describeChecks(checks: readonly CheckResult[]): string[] {
  const passed = checks.filter(({ outcome }) => outcome === 'passed').length
  const rest = checks.filter(({ outcome }) => outcome === 'not-run')
  const notRun = rest.filter(({ name }) => name !== statementsCheck)
  return [
    ...rest.filter(({ name }) => name === statementsCheck).map(({ message }) => `  NOT RESTORED: ${message}`),
    `  ${passed} ${passed === 1 ? 'check' : 'checks'} passed${notRun.map(({ name, message }) => `; not run: ${name} (${message})`).join('')}`,
  ]
}

function describeConnection({ host, port, socketDirectory, systemUser, login }: RestoreReport['connection']): string[] {
  const overTcp = `psql -h ${host} -p ${port} -U ROLE -d DATABASE (roles and passwords are the original's)`
  if (login === undefined || systemUser === undefined) return [`  connect with: ${overTcp}`]
  const asSuperuser = `psql -h ${socketDirectory} -p ${port} -U ${shellWord(login.user)} ${databaseArgument(login.database)}`
  return [`  connect as the user ${systemUser}, without a password: ${asSuperuser}`, `  over TCP: ${overTcp}`]
}

function recovered({ recovery, backup }: RestoreReport): string[] {
  if (recovery === undefined) return []
  const { target, timeline, expected, reached } = recovery
  return [
    `  ${describeReached(reached)} (asked for: ${formatRestoreTarget(target)})`,
    `  from ${backup} along timeline ${timeline}; archived were at least ${expected.lsn}, ${expected.at}`,
  ]
}
