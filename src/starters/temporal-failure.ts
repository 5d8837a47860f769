import { isGrpcServiceError } from '@temporalio/client'
import { HoldfastError } from '../domain/errors.js'

/** Statuses of gRPC for "not now": CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, INTERNAL (a broken stream), UNAVAILABLE. */
const passing = [1, 4, 8, 13, 14]
const invalidArgument = 3
const failedPrecondition = 9

/** Temporal does not answer now; the same question may be asked again. */
export function isTemporalAway(error: unknown): boolean {
  const status = grpcStatusOf(error)
  return status !== undefined && passing.includes(status)
}

/** Nobody has asked for a workflow's tasks lately, so that it cannot answer. */
export function hasNoPoller(error: unknown): boolean {
  return grpcStatusOf(error) === failedPrecondition && /no poller/i.test(textOf(error))
}

/** A namespace that has never seen a worker of ours does not know our search attributes. */
export function lacksSearchAttributes(error: unknown): boolean {
  return grpcStatusOf(error) === invalidArgument && /search attribute/i.test(textOf(error))
}

/** What Temporal refused or left unanswered, as CONTROL_PLANE; anything else as it is. */
export function toControlPlaneError(error: unknown, address: string): unknown {
  if (error instanceof HoldfastError || grpcStatusOf(error) === undefined) return error
  const message = isTemporalAway(error)
    ? `Temporal at ${address} does not answer: ${textOf(error)}`
    : `Temporal at ${address} refused: ${textOf(error)}`
  return new HoldfastError('CONTROL_PLANE', message, { cause: error })
}

function grpcStatusOf(error: unknown): number | undefined {
  if (isGrpcServiceError(error)) return error.code
  return error instanceof Error && error.cause !== undefined ? grpcStatusOf(error.cause) : undefined
}

/** The cause says more than the client's own "failed to start workflow". */
function textOf(error: unknown): string {
  if (isGrpcServiceError(error)) return error.details || error.message
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : textOf(error.cause)
}
