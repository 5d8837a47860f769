import type { Context } from '@temporalio/activity'
import { progressSignal } from '../domain/contract-names.js'
import type { Progress } from '../domain/progress.js'
import { currentRun } from './current-run.js'

/** Signals are events in the workflow's history, which is limited: the longer the work, the rarer they are, some thousand in two days. */
const atLeastMs = 20_000
const partOfElapsed = 1 / 200

/** Tells the workflow about progress now and then, so that the UI shows it without a look into heartbeats. Best effort. */
export function createTeller(context: Context): (progress: Progress) => void {
  const { workflowId, runId } = currentRun(context)
  const startedAt = Date.now()
  let toldAt = startedAt
  return (progress) => {
    if (Date.now() - toldAt < Math.max(atLeastMs, (Date.now() - startedAt) * partOfElapsed)) return
    toldAt = Date.now()
    const handle = context.client.workflow.getHandle(workflowId, runId)
    handle
      .signal(progressSignal, progress)
      .catch((error: unknown) => context.log.debug('progress was not told', { error: String(error) }))
  }
}
