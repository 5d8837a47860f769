import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
  TimeoutFailure,
} from '@temporalio/workflow'
import { type ErrorCode, isErrorCode } from '../domain/errors.js'

/** What stands behind an activity's failure, in our own terms. */
export interface KnownFailure {
  readonly code: ErrorCode
  readonly message: string
  /** Where whoever failed knew better than the table of errors. */
  readonly hint?: string
}

/** An activity that was over before a cancellation reached it has ended well; what follows it must not begin all the same. */
export function endIfCancelled(): void {
  if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('cancelled')
}

/**
 * A try that fails after its cancellation was asked for is not made again, and Temporal tells its failure. What is left of it is
 * the cancellation, unless no further try would have helped either.
 */
export function wasCancelled(error: unknown): boolean {
  if (isCancellation(error)) return true
  if (!(error instanceof ActivityFailure) || error.retryState !== 'CANCEL_REQUESTED') return false
  return !(error.cause instanceof ApplicationFailure && error.cause.nonRetryable)
}

export function failureOf(error: unknown): KnownFailure {
  if (wasCancelled(error)) return { code: 'STOPPED', message: 'cancelled' }
  const cause = error instanceof ActivityFailure ? (error.cause ?? error) : error
  if (cause instanceof TimeoutFailure) {
    // Its own cause is the last try's failure, which says more than "timed out".
    if (cause.cause instanceof ApplicationFailure) return failureOf(cause.cause)
    return timedOut(cause, activityOf(error))
  }
  if (cause instanceof ApplicationFailure) {
    return { code: isErrorCode(cause.type) ? cause.type : 'INTERNAL', message: cause.message, ...givenHint(cause) }
  }
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) }
}

function givenHint({ details }: ApplicationFailure): { hint?: string } {
  const [detail] = (details ?? []) as { hint?: unknown }[]
  return typeof detail?.hint === 'string' ? { hint: detail.hint } : {}
}

/** Only a worker that went silent, or never came, is a missing worker; what ran out of time had one. */
function timedOut({ timeoutType }: TimeoutFailure, activity: string): KnownFailure {
  if (timeoutType === 'HEARTBEAT') return { code: 'NO_WORKER', message: `the worker of activity ${activity} went silent` }
  if (timeoutType === 'SCHEDULE_TO_START') return { code: 'NO_WORKER', message: `no worker took activity ${activity}` }
  return { code: 'TIMED_OUT', message: `activity ${activity} was not done in the time it is given` }
}

/** A workflow fails with a failure that carries code and hint, so that starters can tell both and have an exit status. */
export function toWorkflowFailure(error: unknown): unknown {
  if (wasCancelled(error)) return isCancellation(error) ? error : new CancelledFailure('cancelled')
  const { code, message, hint } = failureOf(error)
  return ApplicationFailure.create({
    type: code,
    message,
    nonRetryable: true,
    ...(hint === undefined ? {} : { details: [{ hint }] }),
    ...(error instanceof Error ? { cause: error } : {}),
  })
}

/** The same failure, which tells more, a line for each remark. A cancellation has no text, and stays what it is. */
export function withRemarks(error: unknown, remarks: readonly string[]): unknown {
  const failure = toWorkflowFailure(error)
  if (!(failure instanceof ApplicationFailure) || remarks.length === 0) return error
  const { message, type, details, cause } = failure
  return ApplicationFailure.create({
    message: [message, ...remarks].join('\n'),
    nonRetryable: true,
    ...(type == null ? {} : { type }),
    ...(details == null ? {} : { details }),
    ...(cause === undefined ? {} : { cause }),
  })
}

function activityOf(error: unknown): string {
  return error instanceof ActivityFailure ? error.activityType : 'unknown'
}
