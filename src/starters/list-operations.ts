import type { Client, WorkflowExecutionInfo } from '@temporalio/client'
import { defineSearchAttributeKey } from '@temporalio/common'
import type { SystemName } from '../domain/ids.js'
import { searchAttributes } from '../domain/search-attributes.js'
import { lacksSearchAttributes } from './temporal-failure.js'

/** One run of a workflow of ours, as Temporal lists it. */
export interface ListedOperation {
  /** `backup/shop/full` */
  readonly id: string
  readonly runId: string
  readonly operation: string
  readonly system: string
  readonly backup?: string
  /** ISO 8601 UTC. */
  readonly startedAt: string
  /** Absent while it runs. */
  readonly endedAt?: string
  /** `running`, `complete`, `degraded`, `failed`, `stopped`. */
  readonly outcome: string
}

interface Wanted {
  readonly which: 'running' | 'ended'
  readonly system?: SystemName
  readonly atMost: number
}

/** Operations from Temporal, the newest first. Needs no worker; what has just begun may be missing for a moment. */
export async function listOperations(client: Client, { which, system, atMost }: Wanted): Promise<ListedOperation[]> {
  const conditions = [
    `${searchAttributes.operation.name} IS NOT NULL`,
    ...(system === undefined ? [] : [`${searchAttributes.system.name} = "${system}"`]),
    ...(which === 'running' ? ['ExecutionStatus = "Running"'] : ended.map((status) => `ExecutionStatus != "${status}"`)),
  ]
  const found: ListedOperation[] = []
  try {
    for await (const execution of client.workflow.list({ query: conditions.join(' AND '), pageSize: atMost })) {
      found.push(toListed(execution))
      if (found.length === atMost) break
    }
  } catch (error) {
    // A namespace that has never seen an operation of ours.
    if (!lacksSearchAttributes(error)) throw error
  }
  return found
}

/** What continued as new goes on in another run. */
const ended = ['Running', 'ContinuedAsNew']

const keys = {
  system: defineSearchAttributeKey(searchAttributes.system.name, 'KEYWORD'),
  operation: defineSearchAttributeKey(searchAttributes.operation.name, 'KEYWORD'),
  backup: defineSearchAttributeKey(searchAttributes.backup.name, 'KEYWORD'),
  outcome: defineSearchAttributeKey(searchAttributes.outcome.name, 'KEYWORD'),
} as const

/** @param execution of a workflow that may be somebody else's: then its operation is empty */
export function toListed(execution: Omit<WorkflowExecutionInfo, 'raw'>): ListedOperation {
  const { workflowId: id, runId, typedSearchAttributes: attributes, startTime, closeTime, status } = execution
  const backup = attributes.get(keys.backup)
  return {
    id,
    runId,
    operation: attributes.get(keys.operation) ?? '',
    system: attributes.get(keys.system) ?? '',
    ...(backup === undefined ? {} : { backup }),
    startedAt: startTime.toISOString(),
    ...(closeTime === undefined ? {} : { endedAt: closeTime.toISOString() }),
    outcome: outcomes.get(status.name) ?? attributes.get(keys.outcome) ?? 'running',
  }
}

/** Where the workflow itself could not say how it ended. */
const outcomes: ReadonlyMap<string, string> = new Map([
  ['RUNNING', 'running'],
  ['FAILED', 'failed'],
  ['TIMED_OUT', 'failed'],
  ['CANCELLED', 'stopped'],
  ['TERMINATED', 'stopped'],
])
