import { CancellationScope, log, upsertSearchAttributes } from '@temporalio/workflow'
import type { AttemptInput } from '../activities/backup-activities.js'
import { isRetryable } from '../domain/errors.js'
import type { RepositoryName } from '../domain/ids.js'
import type { Manifest } from '../domain/manifest.js'
import type { BackupReport, BackupRequest, CopyState } from '../domain/operations.js'
import type { BackupPlan } from '../domain/plans.js'
import { formatBytes } from '../domain/quantity.js'
import { activitiesOn, type HostActivities, planning } from './activity-options.js'
import { copyToRepositories } from './copy-to-repositories.js'
import { dueTime } from './due-time.js'
import { endIfCancelled, failureOf, toWorkflowFailure, wasCancelled, withRemarks } from './failures.js'
import { type GivenUpCopies, keepGivenUpCopies } from './given-up-copies.js'
import { holdLease } from './hold-lease.js'
import { manifestOf } from './manifest-of.js'
import { backupAttribute, outcomeAttribute } from './search-attribute-keys.js'
import { createStatusBoard, type StatusBoard } from './status-board.js'

/** Captures that were lost (server restarted, host rebooted) are begun again, this many times in all. */
const maximumAttempts = 3

/** What the steps of one run share. */
export interface BackupRun {
  readonly request: BackupRequest
  readonly plan: BackupPlan
  readonly host: HostActivities
  readonly board: StatusBoard
  readonly startedAt: Date
  readonly givenUp: GivenUpCopies
}

/**
 * Backs a system up: captured once, copied to every repository while it is captured, committed in each on its own.
 *
 * States: leased → checked → attempt n { capturing ∥ copying } → committed in the capture repository (the point of no return:
 * whatever fails from here on leaves the backup degraded) → committed or missing in each other repository → reported.
 * Before the point of no return a failure or a cancellation removes everything; a lost capture begins attempt n + 1.
 */
export async function backupSystem(request: BackupRequest): Promise<BackupReport> {
  try {
    return await runBackup(request)
  } catch (error) {
    upsertSearchAttributes([{ key: outcomeAttribute, value: wasCancelled(error) ? 'stopped' : 'failed' }])
    throw toWorkflowFailure(error)
  }
}

async function runBackup(request: BackupRequest): Promise<BackupReport> {
  const startedAt = new Date()
  const plan = await planning.planBackup(request, dueTime().toISOString())
  upsertSearchAttributes([{ key: backupAttribute, value: plan.backup }])
  const host = activitiesOn(plan.queues, plan.timeouts)
  const copySteps = plan.copies.map(({ repository }) => `replicate ${repository}`)
  const board = createStatusBoard(`Backup ${plan.backup}`, ['check', 'capture', `commit ${plan.captureRepository}`, ...copySteps])
  const run: BackupRun = { request, plan, host, board, startedAt, givenUp: keepGivenUpCopies(host) }
  const place = { system: plan.system, repository: plan.captureRepository, ttlMs: plan.timeouts.leaseMs }
  const acquire = () => host.light(`take the lease in ${plan.captureRepository}`).acquireCaptureLease(place)
  const report = await holdLease(host, place, acquire, () => backUpAndTidy(run))
  upsertSearchAttributes([{ key: outcomeAttribute, value: report.outcome }])
  return report
}

/** What cannot be removed of attempts that were given up is told, whatever the end is. No hook waits for that. */
async function backUpAndTidy(run: BackupRun): Promise<BackupReport> {
  const tidy = async (copies?: BackupReport['copies']) => {
    const left = await CancellationScope.nonCancellable(() => run.givenUp.settle(copies))
    // All that shows of a run that was cancelled.
    for (const { repository, message } of left) run.board.note(`replicate ${repository}`, message)
    return left.map(({ message }) => message)
  }
  let report: BackupReport
  try {
    report = await withHooks(run, () => captureInAttempts(run))
  } catch (error) {
    throw withRemarks(error, await tidy())
  }
  return { ...report, warnings: [...report.warnings, ...(await tidy(report.copies))] }
}

/** Hooks after the backup run whatever became of it; their failure does not undo a backup. */
async function withHooks(run: BackupRun, work: () => Promise<BackupReport>): Promise<BackupReport> {
  const hooks = (when: string) => run.host.watching(`hooks ${when} the backup`, run.plan.timeouts.captureMs)
  let failure: string | undefined
  const after = async () => {
    await CancellationScope.nonCancellable(() => hooks('after').runHooks(run.plan, 'after')).catch((error: unknown) => {
      failure = failureOf(error).message
    })
  }
  try {
    await hooks('before').runHooks(run.plan, 'before')
  } catch (error) {
    await after()
    throw error
  }
  try {
    const report = await work()
    await after()
    return failure === undefined ? report : { ...report, warnings: [...report.warnings, failure] }
  } catch (error) {
    await after()
    throw error
  }
}

async function captureInAttempts(run: BackupRun): Promise<BackupReport> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attemptBackup(run, attempts)
    } catch (error) {
      const { code, message } = failureOf(error)
      const mayWorkLater = code === 'CAPTURE_LOST' || isRetryable(code)
      if (wasCancelled(error) || attempts === maximumAttempts || !mayWorkLater) throw error
      log.warn('the capture was lost and begins again', { backup: run.plan.backup, attempts, message })
      run.board.note('capture', `attempt ${attempts} lost: ${message}`)
    }
  }
}

async function attemptBackup(run: BackupRun, attempts: number): Promise<BackupReport> {
  const { plan, host, board } = run
  const input: AttemptInput = { plan, attempt: `a${attempts}` }
  const precheck = await board.step(
    'check',
    () => host.light('look at the source').precheck(plan),
    (found) => `server version ${found.serverVersion}`,
  )
  const copies = copyToRepositories(run, input, precheck.estimatedBytes)
  let manifest: Manifest
  try {
    manifest = await captureAndCommit(run, input)
  } catch (error) {
    // Both at once: whoever cancels wants the load off the source, and a repository that is away would keep it there for minutes.
    await CancellationScope.nonCancellable(() =>
      Promise.all([copies.discard(), host.insistent('remove what is left').discardCapture(input)]),
    )
    throw error
  }
  const report = await finish(run, manifest, attempts, await copies.finish(manifest))
  return { ...report, warnings: [...precheck.warnings, ...report.warnings] }
}

async function captureAndCommit(run: BackupRun, input: AttemptInput): Promise<Manifest> {
  const { plan, host, board } = run
  const captured = await board.step(
    'capture',
    () => host.bulk(`capture ${plan.system}`, plan.timeouts.captureMs).captureAttempt(input),
    ({ artifacts }) => formatBytes(artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)),
  )
  const manifest = manifestOf(run, input.attempt, captured)
  endIfCancelled()
  // A cancellation that comes now comes too late: half a commit would be worse than a backup nobody wants.
  await CancellationScope.nonCancellable(() =>
    board.step(`commit ${plan.captureRepository}`, () => commitFirst(run, input, manifest)),
  )
  return manifest
}

/**
 * The point of no return. A commit that is reported as failed may have come to pass, its answer lost; the backup then exists, and
 * nothing may say otherwise. The one who would clean up looks for the manifest before it removes anything, so it is asked.
 */
async function commitFirst({ plan, host }: BackupRun, input: AttemptInput, manifest: Manifest): Promise<void> {
  try {
    await host.insistent(`commit in ${plan.captureRepository}`).commitManifest({ repository: plan.captureRepository }, manifest)
  } catch (error) {
    const left = await host.insistent('see whether the commit came to pass').discardCapture(input)
    if (left === 'removed') throw error
    log.warn('the commit came to pass although it was reported as failed', { backup: plan.backup, error: String(error) })
  }
}

async function finish(
  run: BackupRun,
  manifest: Manifest,
  attempts: number,
  copied: Readonly<Record<RepositoryName, CopyState>>,
): Promise<BackupReport> {
  const { plan, host } = run
  const copies: Record<RepositoryName, CopyState> = { [plan.captureRepository]: { state: 'committed' }, ...copied }
  const complete = Object.values<CopyState>(copies).every(({ state }) => state === 'committed')
  await CancellationScope.nonCancellable(() =>
    host.light('forget the jobs').forgetJobs({ plan, attempt: manifest.attempt }),
  ).catch((error: unknown) => log.warn('the state directory was not tidied', { error: String(error) }))
  return {
    backup: plan.backup,
    system: plan.system,
    outcome: complete ? 'complete' : 'degraded',
    attempts,
    copies,
    dataBytes: manifest.facts.dataBytes,
    storedBytes: manifest.artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    startedAt: run.startedAt.toISOString(),
    endedAt: new Date().toISOString(),
    warnings: manifest.notes,
  }
}
