import { chmod, mkdir } from 'node:fs/promises'

/**
 * Makes the state directory where it is not there yet. Restored servers are below it by default and run as another user, who
 * must be able to pass through: what is private has directories of its own below. One that is there stays as it is.
 */
export async function makeStateDirectory(stateDirectory: string): Promise<void> {
  const made = await mkdir(stateDirectory, { recursive: true })
  if (made !== undefined) await chmod(stateDirectory, 0o711)
}
