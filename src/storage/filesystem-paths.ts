import { lstat, mkdir, open, realpath, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { HoldfastError } from '../domain/errors.js'
import { removeDeadTemporaries } from './dead-temporaries.js'
import { errnoOf } from './filesystem-errors.js'

/** Where a key lies. Names beginning with `.` are never objects: temporaries, growing files, scratch. */
export interface Location {
  readonly path: string
  readonly directory: string
  readonly name: string
  /** The directory of the store. */
  readonly root: string
}

/** The directory a filesystem store works in. Paths it hands out are below it, symbolic links considered. */
export interface Root {
  readonly path: string
  /** @throws INVALID_NAME for keys with a segment that begins with a dot. Looks at nothing on disk. */
  locate(key: string): Location
  /** The directory as a real one, without links. @throws STORE_MISSING (root), STORE_DENIED (a link on the way); ENOENT passes. */
  enter(directory: string): Promise<void>
  /**
   * Runs `work` with the directory in place: made with those above it, 0700 and durable. A delete may remove an empty directory
   * between any two steps; then both are done again.
   */
  within<T>(directory: string, work: () => Promise<T>): Promise<T>
  /** Removes directories from this one upwards while they are empty. @returns the lowest one left. */
  prune(directory: string): Promise<string>
}

/** @param path absolute, need not exist yet. */
export function openRoot(path: string): Root {
  const root: Root = {
    path,
    locate: (key) => locate(path, key),
    enter: (directory) => enter(path, directory),
    within: (directory, work) => within(root, directory, work),
    prune: (directory) => prune(path, directory),
  }
  return root
}

/** Makes the entries of a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes durable that an object is there, whoever put it there: its name, and the directories on the way to it. */
export async function syncUpwards({ directory, root }: Location): Promise<void> {
  for (let current = directory; current.length >= root.length; current = dirname(current)) await syncDirectory(current)
}

export function isInvisible(name: string): boolean {
  return name.startsWith('.')
}

function locate(root: string, key: string): Location {
  const segments = key.split('/')
  if (segments.some((segment) => segment === '' || isInvisible(segment) || segment.includes('\0'))) {
    throw new HoldfastError('INVALID_NAME', `"${key}" is not a key of a filesystem store`, {
      hint: 'no part of a key may be empty or begin with a dot',
    })
  }
  const path = `${root}/${key}`
  return { path, directory: dirname(path), name: segments.at(-1) ?? key, root }
}

// One realpath instead of one lstat per level: any link on the way makes the two paths differ. Between this check and the use
// a link could still be planted, but only by someone who owns these 0700 directories.
async function enter(root: string, directory: string): Promise<void> {
  const realRoot = await realRootOf(root)
  const expected = `${realRoot}${directory.slice(root.length)}`
  const actual = await realpath(directory)
  if (actual === expected) return
  throw new HoldfastError('STORE_DENIED', `"${directory}" leads to "${actual}" through a symbolic link`, {
    hint: 'remove the link: a store keeps everything in real directories below its root',
  })
}

async function realRootOf(root: string): Promise<string> {
  try {
    return await realpath(root)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    throw new HoldfastError('STORE_MISSING', `the directory "${root}" does not exist`, {
      hint: 'is its file system not mounted? mount it; where there is to be a new directory, `holdfast doctor` makes it',
      cause: error,
    })
  }
}

async function within<T>(root: Root, directory: string, work: () => Promise<T>): Promise<T> {
  for (let round = 1; ; round += 1) {
    try {
      const changed = await makeDirectory(root, directory)
      // Synced after the work: until there is a file in it, a new directory is only safe from deletes for an instant.
      const result = await work()
      for (const parent of changed) await syncDirectory(parent)
      return result
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || round >= maximumRounds) throw error
    }
  }
}

const maximumRounds = 50

/** @returns the directories that got a new entry, which is not durable yet; the outermost first. */
async function makeDirectory(root: Root, directory: string): Promise<string[]> {
  try {
    await root.enter(directory)
    return []
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || directory === root.path) throw error
    const parent = dirname(directory)
    const changed = await makeDirectory(root, parent)
    await mkdir(directory, { mode: 0o700 }).catch(tolerateExisting)
    // What exists already may be a link somebody planted in the meantime.
    await root.enter(directory)
    return [...changed, parent]
  }
}

function tolerateExisting(error: unknown): void {
  if (errnoOf(error) !== 'EEXIST') throw error
}

async function prune(root: string, directory: string): Promise<string> {
  let current = directory
  while (current.length > root.length) {
    try {
      await rmdir(current)
    } catch (error) {
      const errno = errnoOf(error)
      if ((errno === 'ENOTEMPTY' || errno === 'EEXIST') && (await removeDeadTemporaries(current))) continue
      if (errno === 'ENOTEMPTY' || errno === 'EEXIST' || errno === 'EBUSY') return current
      if (errno === 'ENOTDIR' && (await lstat(current)).isSymbolicLink()) return dirname(current)
      if (errno !== 'ENOENT') throw error
    }
    current = dirname(current)
  }
  return root
}
