import type { Client } from '@temporalio/client'
import { toHoldfastError } from '../domain/errors.js'
import type { SystemName } from '../domain/ids.js'
import { redactText } from '../domain/redact-text.js'
import { type ListedOperation, listOperations } from './list-operations.js'
import { createObserver, type Observation } from './observe-operation.js'
import { resultOf } from './operation-result.js'

export type RunningOperation = ListedOperation & Observation
/** `failure`: why, of one that failed; `hint`: what to do. */
export type EndedOperation = ListedOperation & { readonly failure?: string; readonly hint?: string }

export interface OperationsSeen {
  readonly running: readonly RunningOperation[]
  readonly ended: readonly EndedOperation[]
}

const runningAtMost = 100
const endedAtMost = 10

/** What runs or waits, each looked at, and the last that ended. */
export async function seeOperations(client: Client, system: SystemName | undefined): Promise<OperationsSeen> {
  const wanted = system === undefined ? {} : { system }
  const [running, ended] = await Promise.all([
    listOperations(client, { ...wanted, which: 'running', atMost: runningAtMost }),
    listOperations(client, { ...wanted, which: 'ended', atMost: endedAtMost }),
  ])
  return {
    running: await Promise.all(running.map((operation) => observed(client, operation))),
    ended: await Promise.all(ended.map((operation) => explained(client, operation))),
  }
}

async function observed(client: Client, operation: ListedOperation): Promise<RunningOperation> {
  const { id, runId } = operation
  const { steps, doing, obstacles } = await createObserver(client, client.workflow.getHandle(id, runId))()
  return { ...operation, steps, doing, obstacles: obstacles.map((each) => ({ ...each, text: redactText(each.text) })) }
}

async function explained(client: Client, operation: ListedOperation): Promise<EndedOperation> {
  if (operation.outcome !== 'failed') return operation
  const failure = await resultOf(client.workflow.getHandle(operation.id, operation.runId)).then(
    () => undefined,
    (error: unknown) => toHoldfastError(error),
  )
  if (failure === undefined) return operation
  const { code, message, hint } = failure
  return { ...operation, failure: `${code}: ${redactText(message)}`, hint: redactText(hint) }
}
