import { CancellationScope, log, upsertSearchAttributes } from '@temporalio/workflow'
import type { RestoreInput } from '../activities/restore-activities.js'
import type { RestoreReport, RestoreRequest } from '../domain/operations.js'
import type { RestorePlan } from '../domain/plans.js'
import { formatBytes } from '../domain/quantity.js'
import { activitiesOn, type HostActivities, planning } from './activity-options.js'
import { endIfCancelled, failureOf } from './failures.js'
import { refuseFailed } from './refuse-failed.js'
import { backupAttribute } from './search-attribute-keys.js'
import { createStatusBoard, type StatusBoard } from './status-board.js'
import { underReadLeases } from './under-read-leases.js'
import { withOutcome } from './with-outcome.js'

interface RestoreRun {
  readonly request: RestoreRequest
  readonly plan: RestorePlan
  readonly host: HostActivities
  readonly board: StatusBoard
  readonly startedAt: Date
}

/**
 * Restores a backup into an instance of its own; never touches an existing one.
 *
 * States of the instance: PROVISIONING (directories, port) → RESTORING (fetch ∥ extract, checks before start) → REPLAYING
 * (started, recovery, promotion to a timeline of its own) → RUNNING, once the checks of the running server passed.
 * On failure or cancellation everything is removed again, or kept as FAILED where the request says so.
 */
export function restoreToNewInstance(request: RestoreRequest): Promise<RestoreReport> {
  return withOutcome(() => runRestore(request))
}

async function runRestore(request: RestoreRequest): Promise<RestoreReport> {
  const startedAt = new Date()
  const plan = await planning.planRestore(request)
  const host = activitiesOn(plan.queues, plan.timeouts)
  const steps = ['choose', 'preflight', 'extract', 'replay', 'check']
  const board = createStatusBoard(`Restore of ${request.system} into ${request.instance}`, steps)
  const run: RestoreRun = { request, plan, host, board, startedAt }
  const choice = await board.step(
    'choose',
    () => host.light('read the catalogues').chooseBackup(request),
    ({ backup, sources }) => `${backup} from ${sources.join(', ')}`,
  )
  upsertSearchAttributes([{ key: backupAttribute, value: choice.backup }])
  return underReadLeases({ host, plan, choice }, (held) => restoreChosen(run, { request, choice: held }))
}

async function restoreChosen(run: RestoreRun, input: RestoreInput): Promise<RestoreReport> {
  const { host, board } = run
  await board.step('preflight', () => host.light('look at this host').preflightRestore(input))
  try {
    return await makeInstance(run, input)
  } catch (error) {
    const { code, message } = failureOf(error)
    const failure = `${code}: ${message}`
    await CancellationScope.nonCancellable(() =>
      host.insistent('remove the instance').abandonInstance({ request: run.request, failure }),
    )
    throw error
  }
}

async function makeInstance(run: RestoreRun, input: RestoreInput): Promise<RestoreReport> {
  const { host, board, plan, request } = run
  const { timeouts } = plan
  const instance = await host.light('make directories, choose a port').createInstance(input)
  const extracted = await board.step(
    'extract',
    () => host.bulk(`fetch and extract ${input.choice.backup}`, timeouts.extractMs).extractBackup(input),
    ({ reading }) => (reading.problems.length === 0 ? formatBytes(input.choice.dataBytes) : reading.problems.join('; ')),
  )
  refuseFailed(extracted.checks)
  const timeline = await board.step(
    'replay',
    async () => {
      await host.light('start the server').startInstance(input)
      return host.watching('follow the recovery', timeouts.replayMs).followReplay(input)
    },
    (reached) => `timeline ${reached}`,
  )
  const running = await board.step('check', () =>
    host.watching('check the running server', timeouts.replayMs).checkInstance(input),
  )
  refuseFailed(running)
  endIfCancelled()
  const opened = await CancellationScope.nonCancellable(() =>
    host.insistent('mark the instance RUNNING').openInstance({ ...input, timeline }),
  )
  await CancellationScope.nonCancellable(() => host.light('forget the jobs').forgetExtraction(input)).catch((error: unknown) =>
    log.warn('the state directory was not tidied', { error: String(error) }),
  )
  return {
    instance: opened.name,
    system: request.system,
    backup: input.choice.backup,
    repositories: [...new Set(Object.values(extracted.reading.from))],
    problems: [...input.choice.away, ...extracted.reading.problems],
    connection: { host: '127.0.0.1', port: opened.port, socketDirectory: opened.socketDirectory },
    dataDirectory: instance.dataDirectory,
    timeline,
    checks: [...extracted.checks, ...running],
    startedAt: run.startedAt.toISOString(),
    endedAt: new Date().toISOString(),
  }
}
