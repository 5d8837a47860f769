import { WorkflowNotFoundError } from '@temporalio/client'
import { HoldfastError } from '../domain/errors.js'
import type { Instance } from '../domain/instance.js'
import { withClient } from './client.js'
import type { VerbContext } from './verb.js'

/**
 * An instance that is being made belongs to its restore. Once it is RUNNING, FAILED or DISPOSED nobody else is at work on it, and
 * Temporal need not be asked.
 * @throws SYSTEM_BUSY while the restore runs; CONTROL_PLANE when nobody can say
 */
export async function refuseWhileRestored({ loaded, env }: VerbContext, instance: Instance): Promise<void> {
  const { name, state, owner } = instance
  if (state === 'RUNNING' || state === 'FAILED' || state === 'DISPOSED') return
  const status = await withClient(loaded, env, async ({ client }) => {
    try {
      return (await client.workflow.getHandle(owner.workflowId, owner.runId).describe()).status.name
    } catch (error) {
      // Its history is gone: it ended long ago, or with another Temporal.
      if (error instanceof WorkflowNotFoundError) return 'GONE'
      throw error
    }
  })
  if (status !== 'RUNNING') return
  throw new HoldfastError('SYSTEM_BUSY', `instance ${name} is ${state}: ${owner.workflowId} is at work on it`, {
    hint: `wait for it, or end it: \`holdfast cancel ${owner.workflowId}\`; it then removes the instance itself`,
  })
}
