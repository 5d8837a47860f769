import { type ErrorCode, HoldfastError } from '../domain/errors.js'

/** What a job ended with, and not what kept somebody from watching it. */
class JobFailure extends HoldfastError {}

/** @param hint what to do next; the table's where it is left out */
export function jobFailure(job: string, failure: { code: ErrorCode; message: string; hint?: string }): HoldfastError {
  const hint = failure.hint === undefined ? {} : { hint: failure.hint }
  return new JobFailure(failure.code, failure.message, { ...hint, details: { job } })
}

export function isOfJob(error: unknown): boolean {
  return error instanceof JobFailure
}
