import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import { HoldfastError } from '../../src/domain/errors.js'
import type { Crc32, ObjectKey } from '../../src/domain/ids.js'
import type { ObjectInfo, Store } from '../../src/storage/store.js'

interface MemoryStoreOptions {
  /** Awaited before each step a real store would take over the network; lets a test decide who goes next. */
  readonly turn?: (label: string) => Promise<void>
}

/**
 * Objects in a map, for tests that need to decide the order of steps. As strict as the contract: no overwriting with `ifAbsent`,
 * and as loose as it: a listing walks from key to key, with others at work between two of them.
 */
export function createMemoryStore({
  turn = async () => {},
}: MemoryStoreOptions = {}): Store & { readonly objects: Map<string, Uint8Array> } {
  const objects = new Map<string, Uint8Array>()
  const capabilities = {
    conditionalPut: true,
    multipart: false,
    fullObjectCrc32: true,
    versioning: false,
    objectLock: false,
    storageClasses: [],
    serverSideCopy: false,
  }
  const store: Store & { readonly objects: Map<string, Uint8Array> } = {
    objects,
    description: 'memory',
    capabilities,
    probe: async () => capabilities,
    async put(key, bytes, { ifAbsent }) {
      await turn(`put ${key}`)
      if (ifAbsent && objects.has(key)) throw new HoldfastError('ALREADY_EXISTS', `${key} exists`)
      objects.set(key, Buffer.from(bytes))
      await turn(`put answered ${key}`)
      return infoOf(key, bytes)
    },
    putFrom: async (key, source, options) => store.put(key, await buffer(source.read()), options),
    async get(key) {
      await turn(`get ${key}`)
      const bytes = objects.get(key)
      if (bytes === undefined) throw new HoldfastError('NOT_FOUND', `${key} is not there`)
      return Readable.from([Buffer.from(bytes)])
    },
    async head(key) {
      await turn(`head ${key}`)
      const bytes = objects.get(key)
      return bytes === undefined ? undefined : infoOf(key, bytes)
    },
    async *list(prefix, { after = '' } = {}) {
      let last = after
      while (true) {
        await turn(`list ${prefix} after ${last}`)
        const next = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > last).sort()[0]
        const bytes = next === undefined ? undefined : objects.get(next)
        if (next === undefined || bytes === undefined) return
        last = next
        yield infoOf(next as ObjectKey, bytes)
      }
    },
    async delete(keys) {
      await turn(`delete ${keys.join(' ')}`)
      for (const key of keys) objects.delete(key)
      return keys.map((key) => ({ key, outcome: 'deleted' as const }))
    },
  }
  return store
}

function infoOf(key: ObjectKey, bytes: Uint8Array): ObjectInfo {
  const checksum = crc32(bytes).toString(16).padStart(8, '0') as Crc32
  return { key, sizeBytes: bytes.length, modifiedAt: new Date(0), crc32: checksum }
}
