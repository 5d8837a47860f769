import { HoldfastError } from '../domain/errors.js'

/** What an encrypted message fails with that is not as it was written. */
export function damaged(why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('ARTIFACT_DAMAGED', `an encrypted artifact is damaged: ${why}`, cause === undefined ? {} : { cause })
}

/** What the cipher and the SDK complain of is damage; our own errors say themselves what they are. */
export function asDamage(error: unknown): HoldfastError {
  return error instanceof HoldfastError ? error : damaged(error instanceof Error ? error.message : String(error), error)
}
