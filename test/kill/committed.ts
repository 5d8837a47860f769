import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KillStand } from './kill-stand.js'
import { leaves } from './leftovers.js'

/** Resolves as soon as a manifest of the system's is in the capture repository. @throws when there is none within two minutes */
export async function whenCommittedLocally(stand: KillStand, system: string): Promise<void> {
  const directory = join(stand.directory, 'local', system)
  const giveUpAt = Date.now() + 120_000
  while (Date.now() < giveUpAt) {
    if (filesBelow(directory).some((file) => file.endsWith('/manifest.json'))) return
    await sleep(10)
  }
  throw new Error(`no backup of ${system} was committed within two minutes`)
}

function filesBelow(directory: string): string[] {
  try {
    return leaves(directory)
  } catch {
    // It is being made, or a part of it removed.
    return []
  }
}
