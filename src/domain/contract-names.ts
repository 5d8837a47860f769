/*
 * Names that stand in workflow histories and in programs that ask a running workflow. Renaming one is a migration.
 */

/** Signal with a Progress, from activities. */
export const progressSignal = 'jobProgress'
/** Query for the state an operator sees: an OperationStatus. */
export const statusQuery = 'status'
/** Task queue of workflows and of what can run anywhere. */
export const mainTaskQueue = 'holdfast'

/** Signal: when archiving is stopped, the server shall keep no WAL for it any more. */
export const dropGuardSignal = 'dropGuard'

export const workflowNames = {
  backupSystem: 'backupSystem',
  restoreToNewInstance: 'restoreToNewInstance',
  restoreIntoDatabase: 'restoreIntoDatabase',
  archiveWal: 'archiveWal',
  forgetWal: 'forgetWal',
} as const

export function backupWorkflowId(system: string, kind: string): string {
  return `backup/${system}/${kind}`
}

export function walWorkflowId(system: string): string {
  return `wal/${system}`
}

export function restoreWorkflowId(instance: string): string {
  return `restore/${instance}`
}

/** @param into the system whose server it is. No instance has a `/` in its name. */
export function databaseRestoreWorkflowId(into: string, database: string): string {
  return `restore/${into}/${database}`
}
