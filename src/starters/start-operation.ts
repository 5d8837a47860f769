import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { type Client, WorkflowExecutionAlreadyStartedError, type WorkflowHandle } from '@temporalio/client'
import { defineSearchAttributeKey } from '@temporalio/common'
import { mainTaskQueue } from '../domain/contract-names.js'
import { HoldfastError } from '../domain/errors.js'
import { plainMarkdown } from '../domain/operation-status.js'
import { samenessOf } from '../domain/sameness.js'
import { searchAttributes } from '../domain/search-attributes.js'
import { lacksSearchAttributes } from './temporal-failure.js'

export interface Operation {
  readonly workflow: string
  readonly workflowId: string
  readonly operation: 'backup' | 'restore' | 'wal'
  readonly system: string
  /** One line for the UI. */
  readonly summary: string
  readonly request: { readonly requestedBy: string; readonly reason: string }
}

/** A running workflow: started by us, or found running for the same request. */
export interface Started {
  readonly handle: WorkflowHandle
  readonly runId: string
  readonly joined: boolean
}

const systemKey = defineSearchAttributeKey(searchAttributes.system.name, searchAttributes.system.type)
const operationKey = defineSearchAttributeKey(searchAttributes.operation.name, searchAttributes.operation.type)
const outcomeKey = defineSearchAttributeKey(searchAttributes.outcome.name, searchAttributes.outcome.type)

/**
 * Starts an operation. One with the same id that runs is joined when it does the same thing, else refused.
 * @param register makes our search attributes known where no worker has done so yet
 * @throws SYSTEM_BUSY
 */
export async function startOperation(client: Client, operation: Operation, register?: () => Promise<void>): Promise<Started> {
  const { workflow, workflowId, request, summary } = operation
  const sameness = samenessOf(request)
  const start = async () => {
    const handle = await client.workflow.start(workflow, {
      taskQueue: mainTaskQueue,
      workflowId,
      args: [request],
      memo: { request: sameness },
      staticSummary: summary,
      staticDetails: plainMarkdown(`Asked for by ${request.requestedBy}: ${request.reason}`),
      typedSearchAttributes: [
        { key: systemKey, value: operation.system },
        { key: operationKey, value: operation.operation },
        { key: outcomeKey, value: 'running' },
      ],
    })
    return handle.firstExecutionRunId
  }
  try {
    const runId = register === undefined ? await start() : await startOnceRegistered(start, register)
    return { handle: client.workflow.getHandle(workflowId, runId), runId, joined: false }
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
    return joinRunning(client, workflowId, sameness)
  }
}

const registrationPatienceMs = 20_000

/** Before any worker has run, the namespace does not know our search attributes; it takes seconds until it does. */
async function startOnceRegistered(start: () => Promise<string>, register: () => Promise<void>): Promise<string> {
  const giveUpAt = Date.now() + registrationPatienceMs
  for (;;) {
    try {
      return await start()
    } catch (error) {
      if (!lacksSearchAttributes(error) || Date.now() > giveUpAt) throw error
      await register()
      await delay(500)
    }
  }
}

async function joinRunning(client: Client, workflowId: string, sameness: object): Promise<Started> {
  const running = await client.workflow.getHandle(workflowId).describe()
  const { runId } = running
  const handle = client.workflow.getHandle(workflowId, runId)
  if (isDeepStrictEqual(running.memo?.request, sameness)) return { handle, runId, joined: true }
  const message = `${workflowId} runs already, for another request (since ${running.startTime.toISOString()})`
  throw new HoldfastError('SYSTEM_BUSY', message, { hint: `wait for it, or end it: \`holdfast cancel ${workflowId}\`` })
}
