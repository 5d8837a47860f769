import { setTimeout as delay } from 'node:timers/promises'
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client'
import { ApplicationFailure, CancelledFailure, TerminatedFailure } from '@temporalio/common'
import { HoldfastError, hintOf, isErrorCode } from '../domain/errors.js'
import { isTemporalAway } from './temporal-failure.js'

const askAgainMs = 1_000

/**
 * Waits for a workflow, also through times when Temporal does not answer: the workflow is there again when Temporal is.
 * @throws its failure in our own terms; `signal.reason` when aborted
 */
export async function resultOf<T>(handle: WorkflowHandle, signal?: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return (await handle.result()) as T
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof WorkflowFailedError) throw asHoldfastError(handle.workflowId, error.cause)
      if (!isTemporalAway(error)) throw error
      await delay(askAgainMs, undefined, signal === undefined ? {} : { signal })
    }
  }
}

function asHoldfastError(workflowId: string, cause: unknown): HoldfastError {
  if (cause instanceof ApplicationFailure) {
    const code = isErrorCode(cause.type) ? cause.type : 'INTERNAL'
    return new HoldfastError(code, cause.message, { hint: hintIn(cause) ?? hintOf(code), details: { workflowId } })
  }
  const stopped = cause instanceof CancelledFailure || cause instanceof TerminatedFailure
  const message = stopped
    ? `${workflowId} was ${cause instanceof CancelledFailure ? 'cancelled' : 'terminated'}`
    : `${workflowId} failed: ${cause}`
  return new HoldfastError(stopped ? 'STOPPED' : 'INTERNAL', message, { details: { workflowId } })
}

/** The hint of the activity that failed says more than the table's. */
function hintIn({ details }: ApplicationFailure): string | undefined {
  const [detail] = (details ?? []) as { hint?: string }[]
  return typeof detail?.hint === 'string' ? detail.hint : undefined
}
