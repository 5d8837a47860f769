import { unlink } from 'node:fs/promises'
import type { ObjectKey } from '../domain/ids.js'
import { errnoOf, toFilesystemError } from './filesystem-errors.js'
import { type Root, syncDirectory } from './filesystem-paths.js'
import type { CallOptions, DeleteResult } from './store.js'

/** Removes files, then the directories they leave empty. Durable on return: a manifest must not come back after its data went. */
export async function deleteFiles(root: Root, keys: readonly ObjectKey[], options: CallOptions): Promise<DeleteResult[]> {
  await root.enter(root.path)
  const results: DeleteResult[] = []
  const directories = new Set<string>()
  for (const key of keys) {
    options.signal?.throwIfAborted()
    results.push(await deleteFile(root, key, directories))
  }
  const changed = new Set<string>()
  for (const directory of directories) changed.add(await root.prune(directory))
  for (const directory of changed) await syncIfPresent(directory)
  return results
}

async function deleteFile(root: Root, key: ObjectKey, directories: Set<string>): Promise<DeleteResult> {
  try {
    const location = root.locate(key)
    await root.enter(location.directory)
    await unlink(location.path)
    directories.add(location.directory)
    return { key, outcome: 'deleted' }
  } catch (error) {
    const errno = errnoOf(error)
    // EISDIR: the name is a directory of other keys; an object of this key was not there.
    if (errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'EISDIR') return { key, outcome: 'deleted' }
    return { key, outcome: 'failed', message: toFilesystemError(error, `delete of "${key}" below ${root.path}`).message }
  }
}

async function syncIfPresent(directory: string): Promise<void> {
  try {
    await syncDirectory(directory)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}
