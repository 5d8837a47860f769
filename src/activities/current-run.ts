import { Context } from '@temporalio/activity'
import { HoldfastError } from '../domain/errors.js'

/** The run of the workflow that asked for this activity: holder of leases, owner of instances. */
export function currentRun(context: Context = Context.current()): { readonly workflowId: string; readonly runId: string } {
  const { workflowExecution } = context.info
  if (workflowExecution === undefined) throw new HoldfastError('INTERNAL', 'this activity belongs to a workflow')
  return { workflowId: workflowExecution.workflowId, runId: workflowExecution.runId }
}
