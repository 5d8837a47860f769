import type { Context } from '@temporalio/activity'
import { progressSignal } from '../domain/contract-names.js'
import type { Progress } from '../domain/progress.js'
import { currentRun } from './current-run.js'

/** Signals are events in the workflow's history, which is limited: the longer the work, the rarer they are, some thousand in two days. */
const atLeastMs = 20_000
const partOfElapsed = 1 / 200

export type Teller = (context: Context) => (progress: Progress) => void

/** Tells the workflow about progress now and then, so that the UI shows it without a look into heartbeats. Best effort. */
export function createTeller(context: Context): (progress: Progress) => void {
  const send = createSender(context)
  const startedAt = Date.now()
  let toldAt = startedAt
  return (progress) => {
    if (Date.now() - toldAt < Math.max(atLeastMs, (Date.now() - startedAt) * partOfElapsed)) return
    toldAt = Date.now()
    send(progress)
  }
}

/** Work that goes on for ever changes its figures all the time: often enough for who looks, seldom enough for the history. */
const figuresEveryMs = 120_000

/** Tells at once that a condition came or went, and the figures every two minutes. */
export function createConditionTeller(context: Context): (progress: Progress) => void {
  const send = createSender(context)
  let [toldAt, told] = [0, '']
  return (progress) => {
    const state = JSON.stringify([
      progress.facts !== undefined,
      (progress.conditions ?? []).map(({ code, since }) => [code, since]),
    ])
    if (state === told && Date.now() - toldAt < figuresEveryMs) return
    ;[toldAt, told] = [Date.now(), state]
    send(progress)
  }
}

/** One after the other: two signals on their way at once may arrive in either order, and the older one would be what is shown. */
function createSender(context: Context): (progress: Progress) => void {
  const { workflowId, runId } = currentRun(context)
  let sending: Promise<void> = Promise.resolve()
  return (progress) => {
    sending = sending
      .then(() => context.client.workflow.getHandle(workflowId, runId).signal(progressSignal, progress))
      .catch((error: unknown) => context.log.debug('progress was not told', { error: String(error) }))
  }
}
