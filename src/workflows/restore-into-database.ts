import { CancellationScope, log, upsertSearchAttributes } from '@temporalio/workflow'
import type { DatabaseRestoreInput } from '../activities/database-restore-activities.js'
import type { DatabaseRestoreReport, DatabaseRestoreRequest } from '../domain/operations.js'
import type { ReadingPlan } from '../domain/plans.js'
import { activitiesOn, type HostActivities, planning } from './activity-options.js'
import { endIfCancelled } from './failures.js'
import { refuseFailed } from './refuse-failed.js'
import { backupAttribute } from './search-attribute-keys.js'
import { createStatusBoard, type StatusBoard } from './status-board.js'
import { underReadLeases } from './under-read-leases.js'
import { withOutcome } from './with-outcome.js'

interface DatabaseRestoreRun {
  readonly request: DatabaseRestoreRequest
  readonly plan: ReadingPlan
  readonly host: HostActivities
  readonly board: StatusBoard
  readonly startedAt: Date
}

/**
 * Restores a database of a logical backup into a new database of a server that is there; never touches one it has.
 *
 * States of the database: not there → ours alone, with our mark, closed to others (made, filled, checked) → open, without the mark,
 * and no longer ours. On failure or cancellation before that, what carries our mark is dropped.
 */
export function restoreIntoDatabase(request: DatabaseRestoreRequest): Promise<DatabaseRestoreReport> {
  return withOutcome(() => runRestore(request))
}

async function runRestore(request: DatabaseRestoreRequest): Promise<DatabaseRestoreReport> {
  const startedAt = new Date()
  const { system, into, database } = request
  const plan = await planning.planDatabaseRestore(request)
  const host = activitiesOn(plan.queues, plan.timeouts)
  const title = `Restore of ${system} into database ${database} of ${into}`
  const board = createStatusBoard(title, ['choose', 'preflight', 'restore', 'open'])
  const run: DatabaseRestoreRun = { request, plan, host, board, startedAt }
  const choice = await board.step(
    'choose',
    () => host.reading('read the catalogues', plan.timeouts.extractMs).chooseBackup({ ...request, kind: 'logical' }),
    ({ backup, sources }) => `${backup} from ${sources.join(', ')}`,
  )
  upsertSearchAttributes([{ key: backupAttribute, value: choice.backup }])
  return underReadLeases({ host, plan, choice }, (held) => restoreChosen(run, { request, choice: held }))
}

async function restoreChosen(run: DatabaseRestoreRun, input: DatabaseRestoreInput): Promise<DatabaseRestoreReport> {
  const { host, board, request } = run
  const { from } = await board.step(
    'preflight',
    () => host.light('look at the server').preflightDatabase(input),
    (seen) => `database ${seen.from}, into ${seen.server}`,
  )
  try {
    return await makeDatabase(run, input, from)
  } catch (error) {
    await CancellationScope.nonCancellable(() => host.insistent('drop what was made').abandonDatabase({ request }))
    throw error
  }
}

async function makeDatabase(run: DatabaseRestoreRun, input: DatabaseRestoreInput, from: string): Promise<DatabaseRestoreReport> {
  const { host, board, plan, request } = run
  const filled = await board.step(
    'restore',
    () => host.bulk(`fetch and restore database ${from}`, plan.timeouts.extractMs).fillDatabase({ ...input, from }),
    ({ reading }) => (reading.problems.length === 0 ? undefined : reading.problems.join('; ')),
  )
  refuseFailed(filled.checks)
  endIfCancelled()
  const { identity } = filled
  const opened = await board.step('open', () =>
    CancellationScope.nonCancellable(() => host.insistent('let everybody in').openDatabase({ ...input, identity })),
  )
  await CancellationScope.nonCancellable(() => host.light('forget the job').forgetFilling({ request })).catch((error: unknown) =>
    log.warn('the state directory was not tidied', { error: String(error) }),
  )
  return {
    into: request.into,
    database: request.database,
    system: request.system,
    backup: input.choice.backup,
    from,
    repositories: [...new Set(Object.values(filled.reading.from))],
    problems: [...input.choice.away, ...filled.reading.problems, ...opened.notes],
    connection: opened.connection,
    checks: filled.checks,
    startedAt: run.startedAt.toISOString(),
    endedAt: new Date().toISOString(),
  }
}
