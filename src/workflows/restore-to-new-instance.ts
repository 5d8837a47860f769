import { CancellationScope, log, upsertSearchAttributes } from '@temporalio/workflow'
import type { RestoreInput } from '../activities/restore-activities.js'
import { describeReached } from '../domain/describe-reached.js'
import type { ReachedPoint, Recovered, RestoreReport, RestoreRequest } from '../domain/operations.js'
import type { RestoreChoice, RestorePlan } from '../domain/plans.js'
import { formatBytes } from '../domain/quantity.js'
import { formatRestoreTarget } from '../domain/recovery-target.js'
import { activitiesOn, type HostActivities, planning } from './activity-options.js'
import { endIfCancelled, failureOf } from './failures.js'
import { refuseFailed } from './refuse-failed.js'
import { backupAttribute } from './search-attribute-keys.js'
import { createStatusBoard, type StatusBoard } from './status-board.js'
import { underDelivery } from './under-delivery.js'
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
  const { extractMs } = plan.timeouts
  const reading = host.reading('read the catalogues', extractMs)
  const choice = await board.step('choose', () => reading.chooseBackup(request), describeChoice)
  if (choice.recovery !== undefined) board.add('WAL', 'extract')
  upsertSearchAttributes([{ key: backupAttribute, value: choice.backup }])
  return underReadLeases({ host, plan, choice }, (held) => restoreChosen(run, { request, choice: held }))
}

function describeChoice({ backup, sources, recovery }: RestoreChoice): string {
  const base = `${backup} from ${sources.join(', ')}`
  if (recovery === undefined) return base
  const { target, timeline, endLsn, endAt } = recovery
  return `${formatRestoreTarget(target)} on timeline ${timeline}: ${base}, then WAL, which is there up to ${endLsn} (${endAt})`
}

async function restoreChosen(run: RestoreRun, input: RestoreInput): Promise<RestoreReport> {
  const { host, board } = run
  const remarks = await board.step('preflight', () => host.light('look at this host').preflightRestore(input))
  try {
    // Runs from before there were remarks recorded none.
    return await makeInstance(run, { ...input, choice: { ...input.choice, away: [...input.choice.away, ...(remarks ?? [])] } })
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
  const { result, problems } = await underDelivery(run, input, () => fillInstance(run, input))
  const { extracted, recovered } = result
  const { timeline, reached } = recovered
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
    problems: [...input.choice.away, ...extracted.reading.problems, ...problems],
    connection: {
      ...{ host: '127.0.0.1', port: opened.port, socketDirectory: opened.socketDirectory, systemUser: opened.user },
      ...(opened.login === undefined ? {} : { login: opened.login }),
    },
    dataDirectory: instance.dataDirectory,
    timeline,
    ...recoveryReport(input, reached),
    checks: [...extracted.checks, ...running],
    startedAt: run.startedAt.toISOString(),
    endedAt: new Date().toISOString(),
  }
}

/** Fetches and extracts the backup, and recovers it. */
async function fillInstance({ host, board, plan }: RestoreRun, input: RestoreInput) {
  const { timeouts } = plan
  const extracted = await board.step(
    'extract',
    () => host.bulk(`fetch and extract ${input.choice.backup}`, timeouts.extractMs).extractBackup(input),
    ({ reading }) => (reading.problems.length === 0 ? formatBytes(input.choice.dataBytes) : reading.problems.join('; ')),
  )
  refuseFailed(extracted.checks)
  const recovered = await board.step(
    'replay',
    async () => {
      if (input.choice.recovery !== undefined) await host.watching('wait for the first WAL', timeouts.extractMs).awaitWal(input)
      await host.light('start the server').startInstance(input)
      const reached: Recovered | number = await host.watching('follow the recovery', timeouts.replayMs).followReplay(input)
      // Runs from before there was archived WAL recorded the timeline alone.
      return typeof reached === 'number' ? { timeline: reached } : reached
    },
    ({ timeline, reached }) => [`timeline ${timeline}`, ...(reached === undefined ? [] : [describeReached(reached)])].join(', '),
  )
  return { extracted, recovered }
}

function recoveryReport({ choice }: RestoreInput, reached: ReachedPoint | undefined): Pick<RestoreReport, 'recovery'> {
  if (choice.recovery === undefined || reached === undefined) return {}
  const { target, timeline, endLsn, endAt } = choice.recovery
  return { recovery: { target, timeline, expected: { lsn: endLsn, at: endAt }, reached } }
}
