import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client'
import { backupWorkflowId, mainTaskQueue, workflowNames } from '../../src/domain/contract-names.js'
import { parseSystemName } from '../../src/domain/ids.js'
import type { BackupReport, BackupRequest } from '../../src/domain/operations.js'
import type { KillStand } from './kill-stand.js'

/** One backup under way. */
export interface BackupRun {
  readonly system: string
  readonly handle: WorkflowHandle
}

/** How it ended. */
export type BackupEnd =
  | { readonly system: string; readonly report: BackupReport }
  | { readonly system: string; readonly failure: string }

/** Starts a backup as the CLI does, without the seconds a process takes to start. */
export async function startBackup(stand: KillStand, system: string, workflowId?: string): Promise<BackupRun> {
  const request: BackupRequest = {
    system: parseSystemName(system),
    kind: 'full',
    requestedBy: 'kill test',
    reason: 'to be killed',
  }
  const handle = await stand.client.workflow.start(workflowNames.backupSystem, {
    taskQueue: mainTaskQueue,
    workflowId: workflowId ?? backupWorkflowId(system, 'full'),
    args: [request],
  })
  return { system, handle: stand.client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId) }
}

/** Waits for the end of a backup, whatever it is. */
export async function endOf({ system, handle }: BackupRun): Promise<BackupEnd> {
  try {
    return { system, report: (await handle.result()) as BackupReport }
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error
    return { system, failure: `${error.cause?.name}: ${error.cause?.message}` }
  }
}
