import type { Dirent, Stats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import type { ObjectKey } from '../domain/ids.js'
import { errnoOf } from './filesystem-errors.js'
import { describeFile } from './filesystem-get.js'
import { isInvisible, type Root } from './filesystem-paths.js'
import { compareKeys } from './key-order.js'
import type { CallOptions, ObjectInfo } from './store.js'

interface Listing extends CallOptions {
  readonly prefix: string
  readonly after: string | undefined
}

/** Walks the tree in the order of whole keys. Holds the names of the directories on one path, and 32 files' details. */
export async function* listFiles(root: Root, listing: Listing): AsyncIterable<ObjectInfo> {
  // Also tells a missing root from an empty one.
  await root.enter(root.path)
  const start = listing.prefix.slice(0, listing.prefix.lastIndexOf('/') + 1)
  if (start.startsWith(ofTheFileSystem)) return
  if (
    start !== '' &&
    start
      .slice(0, -1)
      .split('/')
      .some((name) => name === '' || isInvisible(name))
  )
    return
  yield* listDirectory(root, start, listing)
}

/** @param base key of the directory with its final `/`, or '' for the root. */
async function* listDirectory(root: Root, base: string, listing: Listing): AsyncIterable<ObjectInfo> {
  let files: string[] = []
  for (const entry of await orderedEntries(root, base, listing.prefix)) {
    const key = `${base}${entry}`
    if (!key.endsWith('/')) {
      if (isAfter(key, listing.after)) files.push(key)
      if (files.length < detailsAtOnce) continue
    }
    yield* describeAll(root, files, listing)
    files = []
    if (key.endsWith('/') && mayHold(key, listing)) yield* listDirectory(root, key, listing)
  }
  yield* describeAll(root, files, listing)
}

const detailsAtOnce = 32

/** Where a root is a mount: root's alone, and no key of a repository. */
const ofTheFileSystem = 'lost+found/'

/**
 * Names in a directory that lead to the prefix, directories with a `/` at the end. Comparing them in that form gives the order of
 * the whole keys below them: `a-b` comes before `a/b`, since `-` is less than `/`.
 */
async function orderedEntries(root: Root, base: string, prefix: string): Promise<string[]> {
  const directory = `${root.path}/${base}`.replace(/\/$/, '')
  try {
    await root.enter(directory)
    const names = await namesIn(directory, prefix.startsWith(base) ? prefix.slice(base.length) : '')
    return names.filter((name) => `${base}${name}` !== ofTheFileSystem).sort(compareKeys)
  } catch (error) {
    // A directory that went away while we walked, or a prefix below an object, holds nothing.
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return []
    throw error
  }
}

/** One name of tens of thousands may be asked for again and again: then only what begins like it is looked at. */
async function namesIn(directory: string, beginning: string): Promise<string[]> {
  if (beginning !== '') {
    const names = (await readdir(directory)).filter((name) => name.startsWith(beginning) && !isInvisible(name))
    if (names.length <= detailsAtOnce) {
      const entries = await Promise.all(names.map(async (name) => nameOf(name, await statsOf(`${directory}/${name}`))))
      return entries.flat()
    }
  }
  const entries = await readdir(directory, { withFileTypes: true })
  return entries
    .filter(({ name }) => name.startsWith(beginning) && !isInvisible(name))
    .flatMap((entry) => nameOf(entry.name, entry))
}

// Symbolic links, sockets and the like are not objects.
function nameOf(name: string, what: Pick<Dirent, 'isDirectory' | 'isFile'> | undefined): string[] {
  if (what?.isDirectory()) return [`${name}/`]
  return what?.isFile() ? [name] : []
}

function mayHold(directoryKey: string, { after }: Listing): boolean {
  return isAfter(directoryKey, after) || after?.startsWith(directoryKey) === true
}

function isAfter(key: string, after: string | undefined): boolean {
  return after === undefined || compareKeys(key, after) > 0
}

async function* describeAll(root: Root, keys: readonly string[], { signal }: Listing): AsyncIterable<ObjectInfo> {
  signal?.throwIfAborted()
  const details = await Promise.all(keys.map((key) => describe(root, key)))
  for (const info of details) if (info) yield info
}

async function describe(root: Root, key: string): Promise<ObjectInfo | undefined> {
  const stats = await statsOf(`${root.path}/${key}`)
  return stats?.isFile() ? describeFile(key as ObjectKey, stats) : undefined
}

/** Undefined for what went away while we walked. */
async function statsOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}
