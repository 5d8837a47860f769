import {
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  log,
  patched,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { Condition } from '../domain/condition.js'
import { dropGuardSignal } from '../domain/contract-names.js'
import { hintOf } from '../domain/errors.js'
import type { WalRequest } from '../domain/operations.js'
import type { WalPlan } from '../domain/plans.js'
import type { Progress } from '../domain/progress.js'
import { activitiesOn, type HostActivities, planning } from './activity-options.js'
import { type Answering, answerGaps } from './answer-gaps.js'
import { endIfCancelled, failureOf, toWorkflowFailure, wasCancelled } from './failures.js'
import { outcomeAttribute } from './search-attribute-keys.js'
import { createStatusBoard, type StatusBoard } from './status-board.js'

/** Of one try of an activity that never ends by itself; after it comes the next. */
const watchMs = 30 * 86_400_000

interface ArchiveRun extends Answering {
  readonly request: WalRequest
  readonly host: HostActivities
  readonly board: StatusBoard
  readonly conditions: Map<string, readonly Condition[]>
}

/**
 * Archives a system's WAL for ever: one job receives it, one for each repository sends it on. Jobs outlive workers and the runs of
 * this workflow; only its cancellation stops them. A gap that nothing can mend starts a full backup, from which the window begins anew.
 */
export async function archiveWal(request: WalRequest): Promise<void> {
  let dropGuard = request.dropGuard ?? false
  setHandler(defineSignal(dropGuardSignal), () => {
    dropGuard = true
  })
  try {
    const plan = await planning.planWal(request)
    const host = activitiesOn(plan.queues, plan.timeouts)
    try {
      await archive(request, plan, host, () => dropGuard)
    } catch (error) {
      if (wasCancelled(error)) await CancellationScope.nonCancellable(() => end(plan, host, dropGuard))
      throw error
    }
  } catch (error) {
    if (isContinuing(error)) throw error
    upsertSearchAttributes([{ key: outcomeAttribute, value: wasCancelled(error) ? 'stopped' : 'failed' }])
    throw toWorkflowFailure(error)
  }
}

async function archive(request: WalRequest, plan: WalPlan, host: HostActivities, dropGuard: () => boolean): Promise<never> {
  const conditions = new Map<string, readonly Condition[]>()
  const steps = ['receive', ...plan.repositories.map((name) => `replicate ${name}`)]
  const board = createStatusBoard(`WAL of ${plan.system}`, steps, (progress) => noteConditions(run, progress))
  const run: ArchiveRun = { request, plan, host, board, conditions, answered: request.answered ?? [], answering: false }
  const watching = new CancellationScope({ cancellable: true })
  const watched = watching.run(() =>
    Promise.all([
      keepUp(run, 'receive', () => host.watching(`receive the WAL of ${plan.system}`, watchMs).receiveWal(plan)),
      ...plan.repositories.map((name) =>
        keepUp(run, `replicate ${name}`, () => host.watching(`replicate the WAL to ${name}`, watchMs).replicateWal(plan, name)),
      ),
      answerGaps(run),
    ]),
  )
  watched.catch(() => undefined)
  await condition(() => workflowInfo().continueAsNewSuggested && !run.answering)
  // An abort only detaches: the next run adopts the jobs where they are.
  watching.cancel()
  await watched.catch((error: unknown) => {
    if (!wasCancelled(error)) throw error
  })
  // Whoever asked to stop meanwhile means the next run as well.
  endIfCancelled()
  return continueAsNew<typeof archiveWal>({ ...request, answered: run.answered, dropGuard: dropGuard() })
}

/** A job that ends, whatever the reason, is started again: what was wrong may have been mended. */
async function keepUp(run: ArchiveRun, step: string, watch: () => Promise<void>): Promise<never> {
  for (;;) {
    try {
      await run.board.step(step, watch)
    } catch (error) {
      if (wasCancelled(error)) throw error
      log.warn('a part of the archiving ended and is started again', { step, error: String(error) })
      if (patched('failure-is-condition')) noteFailure(run, step, error)
    }
    await sleep(run.plan.timeouts.retryMaximumIntervalMs, { summary: `until ${step} is started again` })
  }
}

/** Until its job says something of itself again. What was wrong before is not over. */
function noteFailure(run: ArchiveRun, step: string, error: unknown): void {
  const { code, message, hint = hintOf(code) } = failureOf(error)
  const others = (run.conditions.get(step) ?? []).filter((each) => each.code !== code)
  noteConditions(run, { step, conditions: [...others, { code, message, hint, since: new Date().toISOString() }] })
}

function noteConditions(run: ArchiveRun, { step, conditions = [] }: Pick<Progress, 'step' | 'conditions'>): void {
  run.conditions.set(step, conditions)
  const isWell = [...run.conditions.values()].every((each) => each.length === 0)
  upsertSearchAttributes([{ key: outcomeAttribute, value: isWell ? 'running' : 'degraded' }])
}

async function end(plan: WalPlan, host: HostActivities, dropGuard: boolean): Promise<void> {
  await host.insistent('stop the jobs').stopWal(plan)
  if (dropGuard) await host.light('let the server forget its WAL').dropGuard(plan)
}

function isContinuing(error: unknown): boolean {
  return error instanceof Error && error.name === 'ContinueAsNew'
}
