import { expect, test } from 'vitest'
import { type Catalog, createCatalog } from '../../src/catalog/catalog.js'
import { parseObjectKey, parseSystemName } from '../../src/domain/ids.js'
import { parseLsn } from '../../src/domain/lsn.js'
import { parseWalHash } from '../../src/domain/wal.js'
import type { SealedFile } from '../../src/jobs/wal/sealed-files.js'
import type { SpoolState } from '../../src/jobs/wal/spool.js'
import { takeStock } from '../../src/jobs/wal/take-stock.js'
import { createMemoryStore } from '../catalog/memory-store.js'
import { noKeys } from '../catalog/sample-manifest.js'
import { putWal } from '../wal/put-wal.js'

const origin = { timeline: 2, lsn: parseLsn('0/800000') }
const state: SpoolState = {
  ...{ version: 1, id: 'one', systemIdentifier: '7', segmentSizeBytes: 2 ** 20, origin, received: origin, histories: [] },
}

const shop = parseSystemName('shop')

function positionWith(files: readonly string[], systemIdentifier = '7') {
  async function* list() {
    for (const file of files) yield { kind: 'segment', file, systemIdentifier }
  }
  const catalog = { wal: { list } } as unknown as Catalog
  return takeStock(catalog, shop, state, [], {}).then(({ position }) => position)
}

test.each([
  ['is empty begins with the spool', [], origin],
  ['ends before it has a gap', ['000000020000000000000004', '000000020000000000000005'], { timeline: 2, lsn: '0/600000' }],
  ['ends on the timeline before has a gap, too', ['000000010000000000000005'], { timeline: 1, lsn: '0/600000' }],
  ['holds more than the spool has none', ['000000020000000000000005', '000000020000000000000009'], origin],
  ['holds more of a timeline that was left has none', ['000000010000000000000009'], origin],
])('a repository that %s', async (_, files, expected) => {
  expect(await positionWith(files)).toEqual(expected)
})

test('another cluster under the name of the system is refused', async () => {
  await expect(positionWith(['000000010000000000000005'], '8')).rejects.toMatchObject({ code: 'WAL_FOREIGN' })
})

/** A system that has been archived for long: its spool began at segment 8, and has come to 100. */
const old: SpoolState = { ...state, received: { timeline: 3, lsn: parseLsn('0/6400000') } }

function sealed(file: string, end?: string): SealedFile {
  const common = { file, systemIdentifier: '7', hash: parseWalHash('0'.repeat(16)), key: parseObjectKey(file), sizeBytes: 1 }
  return end === undefined ? { ...common, kind: 'segment' } : { ...common, kind: 'partial', endLsn: parseLsn(end) }
}

test.each<[string, string[], SealedFile[], object]>([
  ['is empty begins with what comes next', [], [], old.received],
  [
    'is empty begins with the oldest file that waits',
    [],
    [sealed('000000030000000000000063')],
    { timeline: 3, lsn: '0/6300000' },
  ],
  [
    'is empty begins with the end of the timeline before, where that waits',
    [],
    [sealed('000000020000000000000062', '0/6200080'), sealed('000000030000000000000062')],
    { timeline: 2, lsn: '0/6200000' },
  ],
  ['is empty does not begin after what was sealed meanwhile', [], [sealed('000000030000000000000066')], old.received],
  ['was filled by other means goes on where that ends', ['00000003000000000000005F'], [], { timeline: 3, lsn: '0/6000000' }],
])('added to an old system, a repository that %s', async (_, files, waiting, expected) => {
  const store = createMemoryStore()
  for (const file of files) await put(store, file, 0)
  const { position, gaps } = await takeStock(createCatalog({ store, keys: noKeys }), shop, old, waiting, {})
  expect({ position, gaps }).toEqual({ position: expected, gaps: [] })
})

function put(store: ReturnType<typeof createMemoryStore>, file: string, daysAgo: number, systemIdentifier = '7') {
  const completedAt = new Date(Date.now() - daysAgo * 86_400_000)
  const what = { kind: 'segment', file } as const
  return putWal({ store, keys: noKeys, system: shop, systemIdentifier, file: what, bytes: Buffer.alloc(1000), completedAt })
}

test.each([1, 4, 10, 50, 500, 5000])('a repository that was archived to until %i days ago has a gap', async (days) => {
  const store = createMemoryStore()
  for (const file of ['000000020000000000000002', '000000020000000000000003']) await put(store, file, days)
  // Another cluster of that name, which is gone: none of ours, and no reason to refuse ours.
  await put(store, '000000020000000000000001', 6000, '8')
  const { position } = await takeStock(createCatalog({ store, keys: noKeys }), shop, state, [], {})
  expect(position).toEqual({ timeline: 2, lsn: '0/400000' })
})

test('that a repository is empty costs a few listings', async () => {
  const lists: string[] = []
  const store = createMemoryStore({ turn: async (label) => void lists.push(label) })
  await takeStock(createCatalog({ store, keys: noKeys }), shop, state, [], {})
  expect(lists.length).toBeLessThan(10)
})

test('partial segments are to be removed some day, but not those before the furthest segment: nothing better may ever come', async () => {
  const partial = (file: string) => ({ ...sealed(file, '0/280000'), key: file })
  const objects = [partial('000000020000000000000002'), sealed('000000020000000000000004'), partial('000000020000000000000005')]
  async function* list() {
    yield* objects
  }
  const catalog = { wal: { list } } as unknown as Catalog
  const { partials } = await takeStock(catalog, shop, state, [], {})
  expect(partials).toEqual(['000000020000000000000005'])
})
