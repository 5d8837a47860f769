import { walWorkflowId, workflowNames } from '../domain/contract-names.js'
import type { SystemName } from '../domain/ids.js'
import type { WalRequest } from '../domain/operations.js'
import { registerSearchAttributes } from '../observability/search-attributes.js'
import { withClient } from './client.js'
import { type Started, startOperation } from './start-operation.js'
import type { VerbContext } from './verb.js'

/** Starts to archive the WAL of a system, or finds it running. */
export function startArchiving(
  { loaded, env }: VerbContext,
  system: SystemName,
  asked: { readonly requestedBy: string; readonly reason: string },
): Promise<Started> {
  const request: WalRequest = { system, ...asked }
  return withClient(loaded, env, ({ client, connection, namespace }) =>
    startOperation(
      client,
      {
        workflow: workflowNames.archiveWal,
        workflowId: walWorkflowId(system),
        operation: 'wal',
        system,
        summary: `WAL of ${system}`,
        request,
      },
      () => registerSearchAttributes(connection, namespace),
    ),
  )
}
