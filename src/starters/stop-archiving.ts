import { dropGuardSignal } from '../domain/contract-names.js'
import { HoldfastError } from '../domain/errors.js'
import type { SystemName } from '../domain/ids.js'
import { withClient } from './client.js'
import { followOperation } from './follow-operation.js'
import { runningArchiving } from './running-archiving.js'
import type { VerbContext } from './verb.js'

/**
 * Cancels the archiving of a system and follows it until its jobs have ended: without a worker that would be never, and is said.
 * @returns whether it has ended, or the operator left. @throws NOT_FOUND when it does not run
 */
export function stopArchiving(
  { loaded, env }: VerbContext,
  system: SystemName,
  slot: 'keep' | 'drop',
): Promise<'ended' | 'left'> {
  return withClient(loaded, env, async ({ client }) => {
    const handle = await runningArchiving(client, system, loaded)
    if (slot === 'drop') await handle.signal(dropGuardSignal)
    await handle.cancel()
    try {
      const { kind } = await followOperation(client, handle)
      return kind
    } catch (error) {
      if (!(error instanceof HoldfastError && error.code === 'STOPPED')) throw error
      return 'ended'
    }
  })
}
