import { type Client, type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client'
import type { LoadedConfig } from '../config/load-config.js'
import { walWorkflowId } from '../domain/contract-names.js'
import { HoldfastError, toHoldfastError } from '../domain/errors.js'
import type { SystemName } from '../domain/ids.js'
import { howToConfigure } from './how-to-archive.js'
import { resultOf } from './operation-result.js'

/** The archiving of a system, whichever run of it is under way. @throws NOT_FOUND when there is none, saying why */
export async function runningArchiving(client: Client, system: SystemName, loaded: LoadedConfig): Promise<WorkflowHandle> {
  const handle = client.workflow.getHandle(walWorkflowId(system))
  const status = await handle.describe().then(
    (description) => description.status.name,
    (error: unknown) => {
      if (error instanceof WorkflowNotFoundError) return 'NEVER'
      throw error
    },
  )
  if (status === 'RUNNING') return handle
  const { since, toDo } = await reasonOf(handle, status)
  const start = `start it with \`holdfast wal start ${system}\``
  throw new HoldfastError('NOT_FOUND', `the WAL of ${system} is not being archived: ${walWorkflowId(system)} ${since}`, {
    hint: [...toDo, howToConfigure(system, loaded) ?? start].join('; '),
  })
}

async function reasonOf(handle: WorkflowHandle, status: string): Promise<{ since: string; toDo: readonly string[] }> {
  if (status === 'NEVER') return { since: 'was never started', toDo: [] }
  if (status !== 'FAILED') return { since: `has ended (${status.toLowerCase()})`, toDo: [] }
  const failure = await resultOf(handle).then(() => undefined, toHoldfastError)
  return failure === undefined
    ? { since: 'has ended', toDo: [] }
    : { since: `has failed: ${failure.code}: ${failure.message}`, toDo: [failure.hint] }
}
