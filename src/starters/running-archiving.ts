import { type Client, type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client'
import { walWorkflowId } from '../domain/contract-names.js'
import { HoldfastError } from '../domain/errors.js'
import type { SystemName } from '../domain/ids.js'

/** The archiving of a system, whichever run of it is under way. @throws NOT_FOUND when there is none */
export async function runningArchiving(client: Client, system: SystemName): Promise<WorkflowHandle> {
  const handle = client.workflow.getHandle(walWorkflowId(system))
  const status = await handle.describe().then(
    (description) => description.status.name,
    (error: unknown) => {
      if (error instanceof WorkflowNotFoundError) return 'NEVER'
      throw error
    },
  )
  if (status === 'RUNNING') return handle
  const since = status === 'NEVER' ? 'was never started' : `has ended (${status.toLowerCase()})`
  throw new HoldfastError('NOT_FOUND', `the WAL of ${system} is not being archived: ${walWorkflowId(system)} ${since}`, {
    hint: `start it with \`holdfast wal start ${system}\``,
  })
}
