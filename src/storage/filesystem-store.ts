import { mkdir, statfs } from 'node:fs/promises'
import { resolve } from 'node:path'
import { HoldfastError } from '../domain/errors.js'
import type { ObjectKey } from '../domain/ids.js'
import { temporaryName } from './dead-temporaries.js'
import { deleteFiles } from './filesystem-delete.js'
import { errnoOf, toFilesystemError } from './filesystem-errors.js'
import { getFile, headFile } from './filesystem-get.js'
import { growingFiles } from './filesystem-growing.js'
import { listFiles } from './filesystem-list.js'
import { openRoot, type Root } from './filesystem-paths.js'
import { putFile } from './filesystem-put.js'
import type { Store, StoreCapabilities } from './store.js'

export interface FilesystemStoreOptions {
  /** Directory of the store. A relative one is taken from the working directory, once. May itself be a symbolic link. */
  readonly root: string
}

export type FilesystemStore = Store & Required<Pick<Store, 'growing' | 'makeRoot'>>

/**
 * Objects as files below a directory: files 0600, directories 0700. On a file system an object cannot lie below another one,
 * and no part of a key may begin with a dot or have more than 246 bytes. Only `makeRoot` makes the root.
 */
export function createFilesystemStore(options: FilesystemStoreOptions): FilesystemStore {
  const root = openRoot(resolve(options.root))
  const growing = growingFiles(root)
  const place = { root, swept: new Set<string>() }
  const named = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw errnoOf(error) === undefined ? error : toFilesystemError(error, `${what} below ${root.path}`)
    }
  }
  const call = async <T>(signal: AbortSignal | undefined, what: string, work: () => Promise<T>): Promise<T> => {
    signal?.throwIfAborted()
    return named(what, work).catch((error: unknown) => {
      throw signal?.aborted ? signal.reason : error
    })
  }
  const store: FilesystemStore = {
    description: root.path,
    capabilities,
    probe: ({ signal } = {}) => call(signal, 'a probe', () => probe(store, root, signal)),
    put: (key, bytes, put) => call(put.signal, `put of "${key}"`, () => putFile(place, key, () => bytes, put)),
    putFrom: (key, source, put) => call(put.signal, `put of "${key}"`, () => putFile(place, key, () => source.read(), put)),
    get: (key, get = {}) => call(get.signal, `get of "${key}"`, () => getFile(root, key, get)),
    head: (key, { signal } = {}) => call(signal, `head of "${key}"`, () => headFile(root, key)),
    delete: (keys, remove = {}) => call(remove.signal, 'delete', () => deleteFiles(root, keys, remove)),
    list: async function* (prefix, { after, signal } = {}) {
      signal?.throwIfAborted()
      try {
        yield* listFiles(root, { prefix, after, ...(signal && { signal }) })
      } catch (error) {
        throw signal?.aborted || errnoOf(error) === undefined
          ? error
          : toFilesystemError(error, `list of "${prefix}" below ${root.path}`)
      }
    },
    freeBytes: () =>
      named('free space', async () => {
        const { bavail, bsize } = await statfs(root.path)
        return bavail * bsize
      }),
    makeRoot: () => named('making the directory', () => makeRoot(root)),
    growing: {
      scratch: (prefix) => named(`making a scratch directory for "${prefix}"`, () => growing.scratch(prefix)),
      create: (key) => named(`creating "${key}"`, () => growing.create(key)),
      open: (key) => named(`opening "${key}"`, () => growing.open(key)),
      openWhole: (key) => named(`opening "${key}"`, () => growing.openWhole(key)),
      discard: (prefix) => named(`discarding "${prefix}"`, () => growing.discard(prefix)),
    },
  }
  return store
}

const capabilities: StoreCapabilities = {
  conditionalPut: true,
  multipart: false,
  fullObjectCrc32: false,
  versioning: false,
  objectLock: false,
  storageClasses: [],
  serverSideCopy: false,
}

// Only the last directory: nothing is made below a parent that is not there either.
async function makeRoot({ path }: Root): Promise<'made' | 'was there'> {
  try {
    await mkdir(path, { mode: 0o700 })
    return 'made'
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return 'was there'
    if (errnoOf(error) !== 'ENOENT') throw error
    throw new HoldfastError('STORE_MISSING', `neither "${path}" nor its parent directory exists`, { cause: error })
  }
}

async function probe(store: Store, root: Root, signal: AbortSignal | undefined): Promise<StoreCapabilities> {
  const key = `_holdfast/probe/${temporaryName('probe')}` as ObjectKey
  const options = { ifAbsent: true, ...(signal && { signal }) }
  await store.put(key, Buffer.from('probe'), options)
  try {
    await store.put(key, Buffer.from('again'), options)
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'ALREADY_EXISTS') return capabilities
    throw error
  } finally {
    await store.delete([key])
  }
  throw new HoldfastError('STORE_INCAPABLE', `the file system of ${root.path} overwrites where it should refuse`)
}
