import { WorkflowNotFoundError } from '@temporalio/client'
import { restoreWorkflowId } from '../domain/contract-names.js'
import { HoldfastError } from '../domain/errors.js'
import type { InstanceName } from '../domain/ids.js'
import type { Instance } from '../domain/instance.js'
import { withClient } from './client.js'
import type { VerbContext } from './verb.js'

/**
 * An instance that is being made belongs to its restore. Once it is RUNNING, FAILED or DISPOSED nobody else is at work on it, and
 * Temporal need not be asked.
 * @throws SYSTEM_BUSY while the restore runs; CONTROL_PLANE when nobody can say
 */
export async function refuseWhileRestored(context: VerbContext, { name, state, owner }: Instance): Promise<void> {
  if (state === 'RUNNING' || state === 'FAILED' || state === 'DISPOSED') return
  await refuseWhileRuns(context, owner, `instance ${name} is ${state}`)
}

/** The same for a name of which nothing but remains are there: they may be what a restore is just making. */
export async function refuseWhileMade(context: VerbContext, name: InstanceName): Promise<void> {
  await refuseWhileRuns(context, { workflowId: restoreWorkflowId(name) }, `instance ${name} is being made`)
}

async function refuseWhileRuns(
  { loaded, env }: VerbContext,
  { workflowId, runId }: { readonly workflowId: string; readonly runId?: string },
  what: string,
): Promise<void> {
  const status = await withClient(loaded, env, async ({ client }) => {
    try {
      return (await client.workflow.getHandle(workflowId, runId).describe()).status.name
    } catch (error) {
      // Its history is gone: it ended long ago, or with another Temporal.
      if (error instanceof WorkflowNotFoundError) return 'GONE'
      throw error
    }
  })
  if (status !== 'RUNNING') return
  throw new HoldfastError('SYSTEM_BUSY', `${what}: ${workflowId} is at work on it`, {
    hint: `wait for it, or end it: \`holdfast cancel ${workflowId}\`; it then removes the instance itself`,
  })
}
