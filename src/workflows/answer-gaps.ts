import {
  CancellationScope,
  ChildWorkflowCancellationType,
  type ChildWorkflowHandle,
  condition,
  log,
  ParentClosePolicy,
  sleep,
  startChild,
  type Workflow,
} from '@temporalio/workflow'
import type { Condition } from '../domain/condition.js'
import { backupWorkflowId, workflowNames } from '../domain/contract-names.js'
import type { BackupRequest } from '../domain/operations.js'
import type { WalPlan } from '../domain/plans.js'
import { samenessOf } from '../domain/sameness.js'
import { wasCancelled } from './failures.js'
import { operationAttribute, outcomeAttribute, systemAttribute } from './search-attribute-keys.js'

/** After a backup the jobs need a moment to see that it covers the gap. */
const settleMs = 30_000
/** After a backup that failed comes a pause, twice as long after each more. */
const pauseAtMostMs = 3_600_000
/** Of gaps that were answered, so many are remembered. */
const answeredKept = 20

export interface Answering {
  readonly plan: WalPlan
  /** By step. */
  readonly conditions: ReadonlyMap<string, readonly Condition[]>
  /** Messages of the gaps that a backup was taken for. A run that continues as a new one hands them on. */
  answered: readonly string[]
  /** A backup for a gap runs. What becomes of it would be lost to a new run. */
  answering: boolean
}

/**
 * Once for all gaps that are open, with the reason; again where that backup failed, but not where somebody cancelled it. A backup that
 * runs already may have begun before the gap: it is waited for.
 */
export async function answerGaps(run: Answering): Promise<never> {
  const open = () =>
    [...run.conditions.values()].flat().filter(({ code, message }) => code === 'WAL_GAP' && !run.answered.includes(message))
  for (let failures = 0; ; ) {
    await condition(() => open().length > 0)
    const gaps = open()
    const [gap] = gaps
    if (gap === undefined) continue
    switch (await backUpFor(run, gap)) {
      case 'not started':
        await sleep(run.plan.timeouts.retryMaximumIntervalMs, { summary: 'until another backup has ended' })
        break
      case 'failed': {
        const waitMs = Math.min(run.plan.timeouts.retryMaximumIntervalMs * 2 ** failures, pauseAtMostMs)
        failures += 1
        await sleep(waitMs, { summary: 'until the backup that failed is tried again' })
        break
      }
      case 'ended':
        failures = 0
        run.answered = [...run.answered, ...gaps.map(({ message }) => message)].slice(-answeredKept)
        await sleep(settleMs, { summary: 'until the jobs have seen the backup' })
    }
  }
}

async function backUpFor(run: Answering, gap: Condition): Promise<'ended' | 'failed' | 'not started'> {
  run.answering = true
  try {
    const backup = await startBackup(run, gap)
    return backup === undefined ? 'not started' : await over(backup)
  } finally {
    run.answering = false
  }
}

async function startBackup({ plan }: Answering, gap: Condition): Promise<ChildWorkflowHandle<Workflow> | undefined> {
  const { system } = plan
  const request: BackupRequest = { system, kind: 'full', requestedBy: `wal/${system}`, reason: `WAL is missing: ${gap.message}` }
  try {
    return await startChild(workflowNames.backupSystem, {
      workflowId: backupWorkflowId(system, 'full'),
      args: [request],
      // It goes on when the archiving is stopped, or continues as a new run.
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.ABANDON,
      // As for one that is asked for by hand: `status` lists it, `cancel` ends it, `backup` joins it.
      memo: { request: samenessOf(request) },
      typedSearchAttributes: [
        { key: systemAttribute, value: system },
        { key: operationAttribute, value: 'backup' },
        { key: outcomeAttribute, value: 'running' },
      ],
      staticSummary: `full backup of ${system}, because WAL is missing`,
    })
  } catch (error) {
    if (wasCancelled(error)) throw error
    log.warn('no backup was started for a gap in the WAL yet', { system, error: String(error) })
    return undefined
  }
}

async function over(backup: ChildWorkflowHandle<Workflow>): Promise<'ended' | 'failed'> {
  try {
    await backup.result()
    return 'ended'
  } catch (error) {
    // It says itself what was wrong, and the gap is told as long as it is there.
    if (!wasCancelled(error)) return 'failed'
    if (CancellationScope.current().consideredCancelled) throw error
    return 'ended'
  }
}
