import type { Stats } from 'node:fs'
import { type FileHandle, link, open, rename, rm } from 'node:fs/promises'
import { HoldfastError } from '../domain/errors.js'
import type { ObjectKey } from '../domain/ids.js'
import { removeDeadTemporaries, temporaryName } from './dead-temporaries.js'
import { errnoOf } from './filesystem-errors.js'
import { type Location, type Root, syncDirectory, syncUpwards } from './filesystem-paths.js'
import type { CallOptions, ObjectInfo } from './store.js'

type Content = Uint8Array | AsyncIterable<Uint8Array>

/** Where puts are made, and which directories were rid of what killed puts had left there. */
export interface PutPlace {
  readonly root: Root
  readonly swept: Set<string>
}

/**
 * Writes a temporary file beside the final name, syncs it, and gives it its name in one step. What killed puts left in the same
 * directory goes with the first one.
 */
export function putFile(
  { root, swept }: PutPlace,
  key: ObjectKey,
  content: () => Content,
  options: CallOptions & { ifAbsent: boolean },
): Promise<ObjectInfo> {
  const location = root.locate(key)
  return root.within(location.directory, async () => {
    if (!swept.has(location.directory)) await removeDeadTemporaries(location.directory)
    swept.add(location.directory)
    return writeAndName(location, key, content(), options)
  })
}

/** Gives a finished temporary file its final name; both are in the same directory. Durable on return. @throws ALREADY_EXISTS */
export async function nameFile(temporary: string, location: Location, key: ObjectKey): Promise<void> {
  try {
    // link() and not rename(): it refuses an existing name, atomically, also between processes.
    await link(temporary, location.path)
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw linkFailure(error, location)
    // Whoever named it may have been killed before it was durable, and callers take what is there for stored.
    await syncUpwards(location)
    throw new HoldfastError('ALREADY_EXISTS', `"${key}" exists already in ${location.directory}`, { cause: error })
  }
  await rm(temporary, { force: true })
  await syncDirectory(location.directory)
}

async function writeAndName(
  location: Location,
  key: ObjectKey,
  content: Content,
  options: CallOptions & { ifAbsent: boolean },
): Promise<ObjectInfo> {
  options.signal?.throwIfAborted()
  const temporary = `${location.directory}/${temporaryName('.put')}`
  const handle = await open(temporary, 'wx', 0o600)
  try {
    const { size: sizeBytes, mtime: modifiedAt } = await writeDurably(handle, content, options)
    options.signal?.throwIfAborted()
    if (options.ifAbsent) {
      await nameFile(temporary, location, key)
    } else {
      await rename(temporary, location.path)
      await syncDirectory(location.directory)
    }
    return { key, sizeBytes, modifiedAt }
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function writeDurably(handle: FileHandle, content: Content, { signal }: CallOptions): Promise<Stats> {
  try {
    await handle.writeFile(content, signal ? { signal } : {})
    await handle.sync()
    return await handle.stat()
  } finally {
    await handle.close()
  }
}

function linkFailure(error: unknown, location: Location): unknown {
  const errno = errnoOf(error)
  if (errno !== 'EPERM' && errno !== 'ENOTSUP' && errno !== 'EOPNOTSUPP') return error
  return new HoldfastError('STORE_INCAPABLE', `the file system of ${location.directory} has no hard links`, {
    hint: 'use a file system with hard links (ext4, XFS, ZFS, Btrfs, NFS): they make a put refuse what exists',
    cause: error,
  })
}
