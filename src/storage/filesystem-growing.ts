import { readdir, rm } from 'node:fs/promises'
import type { ObjectKey } from '../domain/ids.js'
import { errnoOf } from './filesystem-errors.js'
import { openFile } from './filesystem-get.js'
import { isInvisible, type Root } from './filesystem-paths.js'
import { createGrowingFile, growingPath } from './growing-file.js'
import type { Growing } from './store.js'

/** Growing objects of a filesystem store: `.growing-<name>` beside the final name, scratch files in `<prefix>/.scratch`. */
export function growingFiles(root: Root): Growing {
  return {
    scratch: async (prefix) => {
      const directory = `${root.locate(prefix).path}/.scratch`
      return root.within(directory, async () => directory)
    },
    create: async (key) => {
      const location = root.locate(key)
      return root.within(location.directory, () => createGrowingFile(location, key))
    },
    open: async (key) => {
      const location = root.locate(key)
      // In this order: a commit links the final name before it removes the growing one, so one of them is always there.
      return (await openFile(root, growingPath(location))) ?? (await openFile(root, location.path))
    },
    openWhole: async (key) => openFile(root, root.locate(key).path),
    discard: (prefix) => discard(root, prefix),
  }
}

async function discard(root: Root, prefix: ObjectKey): Promise<void> {
  const directory = root.locate(prefix).path
  try {
    await root.enter(directory)
    await discardBelow(directory)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw error
  }
  await root.prune(directory)
}

async function discardBelow(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = `${directory}/${entry.name}`
    if (isOurs(entry.name)) await rm(path, { recursive: true, force: true })
    else if (entry.isDirectory() && !isInvisible(entry.name)) await discardBelow(path)
  }
}

function isOurs(name: string): boolean {
  return name === '.scratch' || name.startsWith('.growing-') || name.startsWith('.put-')
}
