import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createCatalog } from '../../src/catalog/catalog.js'
import { tombstoneKey } from '../../src/catalog/keys.js'
import { type LeaseHolder, protects } from '../../src/catalog/lease.js'
import { createLeases } from '../../src/catalog/leases.js'
import { parseBackupId, parseObjectKey, parseSystemName } from '../../src/domain/ids.js'
import { createFilesystemStore } from '../../src/storage/filesystem-store.js'
import type { Store } from '../../src/storage/store.js'
import { createMemoryStore } from './memory-store.js'
import { useBucket } from './s3-bucket.js'
import { codeOf, noKeys, sampleManifest } from './sample-manifest.js'

const system = parseSystemName('avi5')
const alice: LeaseHolder = { workflowId: 'backup/avi5/full-2026-01-10T03:00:00Z', runId: 'run-a' }
const bob: LeaseHolder = { workflowId: 'backup/avi5/full', runId: 'run-b' }
const ttlMs = 900_000
const clockSkewMs = 60_000

const openBucket = useBucket()
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-leases-'))
})
afterEach(() => rm(directory, { recursive: true }))

describe.each([
  ['the filesystem store', () => createFilesystemStore({ root: directory })],
  ['a bucket', () => openBucket()],
  ['a store in memory', () => createMemoryStore()],
])('leases in %s', (_, makeStore: () => Store) => {
  let store: Store
  let clock: { ms: number }
  const leasesOn = (skewOfThisHostMs = 0) =>
    createLeases({ store, system, now: () => new Date(clock.ms + skewOfThisHostMs), clockSkewMs })

  beforeEach(() => {
    store = makeStore()
    clock = { ms: Date.parse('2026-01-10T03:00:00Z') }
  })

  test('an exclusive lease keeps others out, and tells them who has it, since when and until when', async () => {
    const leases = leasesOn()
    await leases.acquireExclusive({ holder: alice, ttlMs })
    clock.ms += 1000
    await expect(leases.acquireExclusive({ holder: bob, ttlMs })).rejects.toMatchObject({
      code: 'SYSTEM_BUSY',
      retryable: true,
      message:
        'system "avi5" is held by backup/avi5/full-2026-01-10T03:00:00Z (run run-a) since 2026-01-10T03:00:00.000Z; its lease ends at 2026-01-10T03:15:00.000Z unless renewed',
    })
    expect((await leases.live()).map((lease) => lease.holder)).toEqual([alice])
  })

  test('the same holder acquires again without harm, and one release ends it', async () => {
    const leases = leasesOn()
    await leases.acquireExclusive({ holder: alice, ttlMs })
    clock.ms += 5
    await leases.acquireExclusive({ holder: alice, ttlMs })
    await leases.acquireExclusive({ holder: alice, ttlMs })
    await leases.release(alice)
    await leases.release(alice)
    await leases.acquireExclusive({ holder: bob, ttlMs })
  })

  test('another run of the same workflow is another holder', async () => {
    const leases = leasesOn()
    await leases.acquireExclusive({ holder: alice, ttlMs })
    expect(await codeOf(() => leases.acquireExclusive({ holder: { ...alice, runId: 'run-z' }, ttlMs }))).toBe('SYSTEM_BUSY')
  })

  test('a renewed lease lasts, keeps its beginning, and leaves no pile of objects', async () => {
    const leases = leasesOn()
    let lease = await leases.acquireExclusive({ holder: alice, ttlMs })
    for (let round = 0; round < 10; round += 1) {
      clock.ms += ttlMs / 3
      lease = await leases.renew(lease, { ttlMs })
    }
    expect(lease).toMatchObject({ since: '2026-01-10T03:00:00.000Z', expiresAt: '2026-01-10T04:05:00.000Z' })
    expect(await codeOf(() => leases.acquireExclusive({ holder: bob, ttlMs }))).toBe('SYSTEM_BUSY')
    expect(await keysOf(store)).toHaveLength(2)
    expect(await leases.live()).toEqual([lease])
  })

  test('an expired lease counts for others until the clocks cannot differ any more, then it is removed', async () => {
    const leases = leasesOn()
    await leases.acquireExclusive({ holder: alice, ttlMs })
    clock.ms += ttlMs + clockSkewMs
    expect(await codeOf(() => leases.acquireExclusive({ holder: bob, ttlMs }))).toBe('SYSTEM_BUSY')
    clock.ms += 1
    await leases.acquireExclusive({ holder: bob, ttlMs })
    expect((await leases.live()).map((lease) => lease.holder)).toEqual([bob])
    expect(await keysOf(store)).toHaveLength(1)
  })

  test('a host whose clock is ahead by the skew does not take a lease that is still held', async () => {
    await leasesOn().acquireExclusive({ holder: alice, ttlMs })
    clock.ms += ttlMs - 1
    expect(await codeOf(() => leasesOn(clockSkewMs).acquireExclusive({ holder: bob, ttlMs }))).toBe('SYSTEM_BUSY')
  })

  test('a holder that slept past its lease gets it back only if nobody has taken it', async () => {
    const leases = leasesOn()
    const lease = await leases.acquireExclusive({ holder: alice, ttlMs })
    clock.ms += ttlMs + clockSkewMs + 1
    await leases.renew(lease, { ttlMs })
    await leases.release(alice)
    await leases.acquireExclusive({ holder: bob, ttlMs })
    expect(await codeOf(() => leases.renew(lease, { ttlMs }))).toBe('SYSTEM_BUSY')
    expect((await leases.live()).map((found) => found.holder)).toEqual([bob])
  })

  test('shared leases stand beside each other and beside an exclusive one, and protect what they name', async () => {
    const [first, second] = await commitTwo(store)
    const leases = leasesOn()
    await leases.acquireExclusive({ holder: alice, ttlMs })
    await leases.acquireShared({ holder: alice, backups: [first], ttlMs })
    await leases.acquireShared({ holder: alice, backups: [second], ttlMs })
    await leases.acquireShared({ holder: bob, backups: [second], ttlMs })
    const live = await leases.live()
    expect(live).toHaveLength(4)
    expect(live.filter((lease) => protects(lease, first))).toHaveLength(1)
    expect(live.filter((lease) => protects(lease, second))).toHaveLength(2)
    await leases.release(alice)
    expect((await leases.live()).map((lease) => lease.holder)).toEqual([bob])
  })

  test('a backup with a tombstone cannot be leased, and nothing stays behind', async () => {
    const [first, second] = await commitTwo(store)
    await store.put(tombstoneKey(second), new Uint8Array(1), { ifAbsent: true })
    const leases = leasesOn()
    expect(await codeOf(() => leases.acquireShared({ holder: alice, backups: [first, second], ttlMs }))).toBe('NOT_FOUND')
    expect(await leases.live()).toEqual([])
  })

  test('a backup that is gone cannot be leased', async () => {
    const backups = [parseBackupId('avi5_full_2026-01-10T03-00-00Z')]
    expect(await codeOf(() => leasesOn().acquireShared({ holder: alice, backups, ttlMs }))).toBe('NOT_FOUND')
  })

  test('a lease that cannot be read counts, and protects every backup', async () => {
    const leases = leasesOn()
    await leases.acquireShared({ holder: alice, backups: [], ttlMs })
    const [key = ''] = await keysOf(store)
    await store.put(parseObjectKey(key), new TextEncoder().encode('{'), { ifAbsent: false })
    const [lease] = await leases.live()
    expect(lease?.holder.workflowId).toContain(key)
    expect(lease !== undefined && protects(lease, parseBackupId('avi5_full_2026-01-10T03-00-00Z'))).toBe(true)
  })

  test('a lease confirmed only after its time is given up', async () => {
    let reads = 0
    const slowClock = () => new Date(clock.ms + (reads++ === 0 ? 0 : ttlMs))
    const leases = createLeases({ store, system, now: slowClock, clockSkewMs })
    await expect(leases.acquireExclusive({ holder: alice, ttlMs })).rejects.toThrow('ran out before it was confirmed')
    expect(await keysOf(store)).toEqual([])
  })
})

async function commitTwo(store: Store) {
  const catalog = createCatalog({ store, keys: noKeys })
  const manifests = ['2026-01-08T03:00:00Z', '2026-01-09T03:00:00Z'].map((dueAt) => sampleManifest({ dueAt }))
  for (const manifest of manifests) await catalog.commit(manifest)
  return [parseBackupId('avi5_full_2026-01-08T03-00-00Z'), parseBackupId('avi5_full_2026-01-09T03-00-00Z')] as const
}

async function keysOf(store: Store): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list('_holdfast/')) keys.push(key)
  return keys
}
