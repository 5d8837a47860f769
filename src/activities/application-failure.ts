import { ApplicationFailure, CancelledFailure } from '@temporalio/common'
import { HoldfastError, toHoldfastError } from '../domain/errors.js'
import { redactText } from '../domain/redact-text.js'

/**
 * An error as Temporal keeps it: the type is the code, the hint goes with it, nothing secret does. Cancellation passes through.
 * @param trying `by-code`: the table of errors says whether the activity is tried again; `final`: it is not, whatever the code
 */
export function toApplicationFailure(error: unknown, trying: 'by-code' | 'final'): unknown {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure || isAsyncCompletion(error)) return error
  const known = toHoldfastError(error)
  return ApplicationFailure.create({
    type: known.code,
    message: redactText(known.message),
    nonRetryable: trying === 'final' || !known.retryable,
    details: [{ hint: known.hint, ...(error instanceof HoldfastError ? error.details : {}) }],
  })
}

function isAsyncCompletion(error: unknown): boolean {
  return error instanceof Error && error.name === 'CompleteAsyncError'
}
