import { toHoldfastError } from '../../domain/errors.js'
import { compareInventories, type Inventory, withoutSecondLook } from './inventory.js'

export interface SecondLook {
  readonly inventory: Inventory
  readonly stoppedAt: string
  readonly notes: readonly string[]
}

/** The second look; a server that went away after its backup was complete only leaves unknown what changed meanwhile. */
export async function lookAgain(before: Inventory, look: () => Promise<Inventory>, signal: AbortSignal): Promise<SecondLook> {
  try {
    const after = await look()
    return { inventory: compareInventories(before, after), stoppedAt: after.takenAt, notes: [] }
  } catch (error) {
    signal.throwIfAborted()
    const note = `the server was not looked at after the backup: ${toHoldfastError(error).message}`
    return { inventory: withoutSecondLook(before), stoppedAt: new Date().toISOString(), notes: [note] }
  }
}
