import type { WorkflowHandle } from '@temporalio/client'
import type { LoadedConfig } from '../config/load-config.js'
import { dropGuardSignal, walWorkflowId, workflowNames } from '../domain/contract-names.js'
import { type ErrorCode, HoldfastError } from '../domain/errors.js'
import type { SystemName } from '../domain/ids.js'
import { registerSearchAttributes } from '../observability/search-attributes.js'
import { type ControlPlane, withClient } from './client.js'
import { followOperation } from './follow-operation.js'
import { defaultReason } from './follow-options.js'
import { runningArchiving } from './running-archiving.js'
import { startOperation } from './start-operation.js'
import { requester, type VerbContext } from './verb.js'

/**
 * Cancels the archiving of a system and follows it until its jobs have ended: without a worker that would be never, and is said.
 * With `drop` the server then forgets its WAL, also where the archiving has ended before.
 * @returns whether it has ended, or the operator left. @throws NOT_FOUND when there is nothing to do
 */
export function stopArchiving(
  { loaded, env }: VerbContext,
  system: SystemName,
  slot: 'keep' | 'drop',
): Promise<'ended' | 'left'> {
  return withClient(loaded, env, async (plane) => {
    const handle = await toEnd(plane, system, loaded, slot)
    try {
      const { kind } = await followOperation(plane.client, handle)
      return kind
    } catch (error) {
      if (!isError(error, 'STOPPED')) throw error
      return 'ended'
    }
  })
}

async function toEnd(plane: ControlPlane, system: SystemName, loaded: LoadedConfig, slot: 'keep' | 'drop') {
  try {
    const handle = await runningArchiving(plane.client, system, loaded)
    if (slot === 'drop') await handle.signal(dropGuardSignal)
    await handle.cancel()
    return handle
  } catch (error) {
    const isConfigured = loaded.config.systems[system]?.wal !== undefined
    if (slot === 'keep' || !isConfigured || !isError(error, 'NOT_FOUND')) throw error
    return startForgetting(plane, system)
  }
}

/** Under the id of the archiving, so that the one never runs beside the other. */
async function startForgetting({ client, connection, namespace }: ControlPlane, system: SystemName): Promise<WorkflowHandle> {
  const operation = {
    workflow: workflowNames.forgetWal,
    workflowId: walWorkflowId(system),
    operation: 'wal',
    system,
    summary: `the slot of ${system}`,
    request: { system, dropGuard: true, requestedBy: requester(), reason: defaultReason },
  } as const
  const { handle } = await startOperation(client, operation, () => registerSearchAttributes(connection, namespace))
  return handle
}

function isError(error: unknown, code: ErrorCode): boolean {
  return error instanceof HoldfastError && error.code === code
}
