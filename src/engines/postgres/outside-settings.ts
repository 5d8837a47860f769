import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Inventory } from './inventory.js'

/**
 * Did the original have settings in files that are not in its data directory? Its postgresql.conf may include them only if they
 * exist, and would be read without them.
 * @param directory holds the files from outside, below their absolute paths
 */
export async function hadOutsideSettings(directory: string, { hbaFile, identFile }: Inventory['paths']): Promise<boolean> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const paths = files.map(({ parentPath, name }) => `/${relative(directory, join(parentPath, name))}`)
  return paths.some((path) => path !== hbaFile && path !== identFile)
}
