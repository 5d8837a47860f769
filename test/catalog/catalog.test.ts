import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Catalog, createCatalog } from '../../src/catalog/catalog.js'
import { artifactKey, attemptPrefix, manifestKey, tombstoneKey } from '../../src/catalog/keys.js'
import { encodeManifest } from '../../src/catalog/manifest-codec.js'
import { HoldfastError } from '../../src/domain/errors.js'
import { type BackupId, describeBackupId, parseCrc32, parseObjectKey, parseSystemName } from '../../src/domain/ids.js'
import { createFilesystemStore } from '../../src/storage/filesystem-store.js'
import type { DeleteResult, Store } from '../../src/storage/store.js'
import { createMemoryStore } from './memory-store.js'
import { useBucket } from './s3-bucket.js'
import { codeOf, keyRing, noKeys, sampleManifest } from './sample-manifest.js'

const keys = keyRing('2026-11')
const manifest = sampleManifest({ keyId: '2026-11' })
const id = manifest.backup

const openBucket = useBucket()
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-catalog-'))
})
afterEach(() => rm(directory, { recursive: true }))

describe.each([
  ['the filesystem store', () => createFilesystemStore({ root: directory })],
  ['a bucket', () => openBucket()],
  ['a store in memory', () => createMemoryStore()],
])('the catalogue in %s', (_, makeStore: () => Store) => {
  let store: Store
  let catalog: Catalog

  beforeEach(() => {
    store = makeStore()
    catalog = createCatalog({ store, keys })
  })

  describe('commit', () => {
    test('makes a backup exist, and again with the same manifest is success', async () => {
      expect(await codeOf(() => catalog.read(id))).toBe('NOT_FOUND')
      await catalog.commit(manifest)
      await catalog.commit(manifest)
      expect(await catalog.read(id)).toEqual(manifest)
    })

    test('refuses another manifest of the same backup, and leaves the first as it was', async () => {
      await catalog.commit(manifest)
      expect(await codeOf(() => catalog.commit({ ...manifest, attempt: 'a2' }))).toBe('ALREADY_EXISTS')
      expect(await catalog.read(id)).toEqual(manifest)
    })

    test('of two different manifests at once, one wins', async () => {
      const attempts = ['a1', 'a2', 'a3', 'a4'].map((attempt) => catalog.commit({ ...manifest, attempt }))
      const outcomes = await Promise.allSettled(attempts)
      expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
    })
  })

  describe('list', () => {
    test('tells every backup in order of system, kind and time, and only what is committed', async () => {
      const expected = [
        sampleManifest({ system: 'avi5', dueAt: '2025-12-31T03:00:00Z', keyId: '2026-11' }),
        sampleManifest({ system: 'avi5', dueAt: '2026-01-09T03:00:00Z', keyId: '2026-11' }),
        sampleManifest({ system: 'avi5', kind: 'logical', dueAt: '2026-01-01T03:00:00Z', keyId: '2026-11' }),
        sampleManifest({ system: 'avi50', dueAt: '2026-01-02T03:00:00Z', keyId: '2026-11' }),
      ]
      for (const one of expected.toReversed()) await catalog.commit(one)
      await put(store, artifactKey(id, 'a1', 'base.tar.zst.enc'))
      await put(store, '_holdfast/avi5/leases/x.json')
      await put(store, 'avi5/full/notes.txt')
      expect(await listed(catalog.list())).toEqual(expected.map((one) => one.backup))
      expect(await listed(catalog.list({ system: parseSystemName('avi5') }))).toEqual(
        expected.slice(0, 3).map((one) => one.backup),
      )
      expect(await listed(catalog.list({ kind: 'logical' }))).toEqual(['avi5_logical_2026-01-01T03-00-00Z'])
      const after = new Date('2026-01-01T03:00:00Z')
      expect(await listed(catalog.list({ after }))).toEqual(['avi5_full_2026-01-09T03-00-00Z', 'avi50_full_2026-01-02T03-00-00Z'])
    })

    test('a damaged manifest is told as such and does not hide the others', async () => {
      const days = [1, 2, 3, 4, 5].map((day) => sampleManifest({ dueAt: `2026-01-0${day}T03:00:00Z`, keyId: '2026-11' }))
      const [first, garbage, unknown, foreign, swapped] = days
      if (!first || !garbage || !unknown || !foreign || !swapped) throw new Error('five days')
      await catalog.commit(first)
      await put(store, manifestKey(garbage.backup), randomBytes(100))
      await put(store, manifestKey(unknown.backup), new TextEncoder().encode('{"formatVersion":2}'))
      const otherKey = { ...foreign, encryption: { format: 'aws-encryption-sdk', keyId: 'lost' } } as const
      await put(store, manifestKey(foreign.backup), encodeManifest(otherKey, keyRing('lost')))
      await put(store, manifestKey(swapped.backup), encodeManifest(first, keys))
      const found: string[] = []
      for await (const entry of catalog.list()) found.push('problem' in entry ? entry.problem.code : entry.manifest.backup)
      expect(found).toEqual([first.backup, 'MANIFEST_DAMAGED', 'FORMAT_UNKNOWN', 'KEY_MISSING', 'MANIFEST_DAMAGED'])
    })

    test('keeps order over more backups than are read at once, and can be left early', async () => {
      const days = Array.from({ length: 30 }, (_, day) => new Date(Date.UTC(2026, 0, 1 + day, 3)).toISOString())
      for (const dueAt of days) await catalog.commit(sampleManifest({ dueAt, keyId: '2026-11' }))
      const all = await listed(catalog.list())
      expect(all).toEqual(days.map((dueAt) => sampleManifest({ dueAt }).backup))
      for await (const entry of catalog.list()) {
        expect(entry.id).toBe(all[0])
        break
      }
    })

    test('a store that fails ends the listing with its error', async () => {
      await catalog.commit(manifest)
      const away = { ...store, get: () => Promise.reject(new HoldfastError('STORE_UNAVAILABLE', 'away')) }
      expect(await codeOf(() => listed(createCatalog({ store: away, keys }).list()))).toBe('STORE_UNAVAILABLE')
    })

    test('passes over a backup that was removed since its key was listed', async () => {
      await catalog.commit(manifest)
      const racing = { ...store, get: () => Promise.reject(new HoldfastError('NOT_FOUND', 'gone')) }
      expect(await listed(createCatalog({ store: racing, keys }).list())).toEqual([])
    })
  })

  test('systems are the names at the top, whatever sorts between them', async () => {
    const names = ['avi5', 'avi5-test', 'avi50', 'avi5_x', 'b']
    for (const name of names) await put(store, `${name}/wal/2026/01/10/segment`)
    for (const other of ['_holdfast/avi5/leases/x.json', 'loose', 'UPPER/x', 'not.a.name/x', 'avi5/full/x'])
      await put(store, other)
    expect((await catalog.systems()).toSorted()).toEqual(names.toSorted())
  })

  test('a backup is tombstoned where its tombstone is', async () => {
    expect(await catalog.isTombstoned(id)).toBe(false)
    expect(await catalog.tombstoned(describeBackupId(id).system)).toEqual([])
    await put(store, tombstoneKey(id))
    expect(await catalog.isTombstoned(id)).toBe(true)
    expect(await catalog.tombstoned(describeBackupId(id).system)).toEqual([id])
  })

  test('a manifest of unlimited size is not read into memory', async () => {
    await put(store, manifestKey(id), new Uint8Array(5_000_000))
    await expect(catalog.read(id)).rejects.toThrow('larger than 262144 bytes')
  })

  describe('removeAttempt', () => {
    test('removes all of the attempt and nothing of its neighbours', async () => {
      for (const attempt of ['a1', 'a10', 'a2']) {
        for (const name of ['base.tar.zst.enc', 'pg_wal.tar.zst.enc']) await put(store, artifactKey(id, attempt, name))
      }
      expect(await catalog.removeAttempt(id, 'a1')).toEqual({ objects: 2, uploads: 0 })
      expect(await catalog.removeAttempt(id, 'a1')).toEqual({ objects: 0, uploads: 0 })
      expect(await count(catalog.attemptObjects(id, 'a1'))).toBe(0)
      expect(await count(catalog.attemptObjects(id, 'a2'))).toBe(2)
      expect(await count(catalog.attemptObjects(id, 'a10'))).toBe(2)
    })

    test('refuses the attempt a committed manifest names, and takes another one', async () => {
      await catalog.commit(manifest)
      for (const attempt of ['a1', 'a2']) await put(store, artifactKey(id, attempt, 'base.tar.zst.enc'))
      expect(await codeOf(() => catalog.removeAttempt(id, 'a1'))).toBe('ALREADY_EXISTS')
      expect(await count(catalog.attemptObjects(id, 'a1'))).toBe(1)
      expect(await catalog.removeAttempt(id, 'a2')).toEqual({ objects: 1, uploads: 0 })
    })

    test('refuses where a manifest is that nobody can read: it may name the attempt', async () => {
      await put(store, manifestKey(id))
      await put(store, artifactKey(id, 'a1', 'base.tar.zst.enc'))
      expect(await codeOf(() => catalog.removeAttempt(id, 'a1'))).toBe('MANIFEST_DAMAGED')
      expect(await count(catalog.attemptObjects(id, 'a1'))).toBe(1)
    })

    test.each([
      ['says so', (key: string) => ({ key: parseObjectKey(key), outcome: 'failed', message: 'locked' }) as const],
      ['lies about it', (key: string) => ({ key: parseObjectKey(key), outcome: 'deleted' }) as const],
    ])('fails when the store keeps an object and %s', async (_case, answer: (key: string) => DeleteResult) => {
      await put(store, artifactKey(id, 'a1', 'base.tar.zst.enc'))
      const keeping: Store = { ...store, delete: async (list) => list.map(answer) }
      expect(await codeOf(() => createCatalog({ store: keeping, keys }).removeAttempt(id, 'a1'))).toBe('STORE_UNAVAILABLE')
    })

    test('is not led elsewhere by an attempt that is a path', async () => {
      expect(await codeOf(() => catalog.removeAttempt(id, '..'))).toBe('MANIFEST_DAMAGED')
    })
  })
})

test('removeAttempt takes away growing files and scratch of a filesystem store as well', async () => {
  const store = createFilesystemStore({ root: directory })
  const catalog = createCatalog({ store, keys })
  const scratch = await store.growing.scratch(attemptPrefix(id, 'a1'))
  const object = await store.growing.create(artifactKey(id, 'a1', 'base.tar.zst.enc'))
  object.writable.end('half a backup')
  await catalog.removeAttempt(id, 'a1')
  await expect(import('node:fs/promises').then(({ stat }) => stat(scratch))).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await store.growing.open(artifactKey(id, 'a1', 'base.tar.zst.enc'))).toBeUndefined()
})

test('removeAttempt aborts the uploads of the attempt in a bucket, and leaves those of its neighbours', async () => {
  const store = openBucket()
  const uploads = store.uploads
  if (uploads === undefined) throw new Error('a bucket takes uploads')
  const bytes = randomBytes(1000)
  for (const attempt of ['a1', 'a10']) {
    const upload = await uploads.begin(artifactKey(id, attempt, 'base.tar.zst.enc'))
    await uploads.putPart(upload, { number: 1, bytes, crc32: parseCrc32(crc32(bytes).toString(16).padStart(8, '0')) })
  }
  expect(await createCatalog({ store, keys }).removeAttempt(id, 'a1')).toEqual({ objects: 0, uploads: 1 })
  expect(await uploads.find(artifactKey(id, 'a1', 'base.tar.zst.enc'))).toBeUndefined()
  expect(await uploads.find(artifactKey(id, 'a10', 'base.tar.zst.enc'))).toBeDefined()
})

test('an unsigned manifest put into a signed repository is a problem, and none where the configuration says so', async () => {
  const store = createMemoryStore()
  await createCatalog({ store, keys: noKeys }).commit(sampleManifest())
  expect(await codeOf(() => createCatalog({ store, keys }).read(id))).toBe('MANIFEST_DAMAGED')
  expect(await createCatalog({ store, keys, unsigned: 'accept' }).read(id)).toEqual(sampleManifest())
})

async function put(store: Store, key: string, bytes: Uint8Array = new TextEncoder().encode('x')): Promise<void> {
  await store.put(parseObjectKey(key), bytes, { ifAbsent: true })
}

async function listed(entries: AsyncIterable<{ readonly id: BackupId }>): Promise<string[]> {
  const ids: string[] = []
  for await (const entry of entries) ids.push(entry.id)
  return ids
}

async function count(items: AsyncIterable<unknown>): Promise<number> {
  let total = 0
  for await (const _ of items) total += 1
  return total
}
