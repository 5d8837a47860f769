import { dropGuardSignal } from '../domain/contract-names.js'
import { HoldfastError } from '../domain/errors.js'
import type { SystemName } from '../domain/ids.js'
import { withClient } from './client.js'
import { resultOf } from './operation-result.js'
import { runningArchiving } from './running-archiving.js'
import type { VerbContext } from './verb.js'

/** Cancels the archiving of a system and waits until its jobs have ended. @throws NOT_FOUND when it does not run */
export function stopArchiving({ loaded, env }: VerbContext, system: SystemName, slot: 'keep' | 'drop'): Promise<void> {
  return withClient(loaded, env, async ({ client }) => {
    const handle = await runningArchiving(client, system)
    if (slot === 'drop') await handle.signal(dropGuardSignal)
    await handle.cancel()
    try {
      await resultOf(handle)
    } catch (error) {
      if (!(error instanceof HoldfastError && error.code === 'STOPPED')) throw error
    }
  })
}
