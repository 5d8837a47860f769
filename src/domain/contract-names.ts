/*
 * Names that stand in workflow histories and in programs that ask a running workflow. Renaming one is a migration.
 */

/** Signal with a Progress, from activities. */
export const progressSignal = 'jobProgress'
/** Query for the state an operator sees: an OperationStatus. */
export const statusQuery = 'status'
/** Task queue of workflows and of what can run anywhere. */
export const mainTaskQueue = 'holdfast'

export const workflowNames = { backupSystem: 'backupSystem', restoreToNewInstance: 'restoreToNewInstance' } as const

export function backupWorkflowId(system: string, kind: string): string {
  return `backup/${system}/${kind}`
}

export function restoreWorkflowId(instance: string): string {
  return `restore/${instance}`
}
