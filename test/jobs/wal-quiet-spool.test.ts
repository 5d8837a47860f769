import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createCatalog } from '../../src/catalog/catalog.js'
import { walKey } from '../../src/catalog/wal-keys.js'
import type { Repository } from '../../src/composition/repository.js'
import { parseRepositoryName, parseSystemName } from '../../src/domain/ids.js'
import { parseLsn } from '../../src/domain/lsn.js'
import { parseWalHash } from '../../src/domain/wal.js'
import { isQuiet, type Replication, type Round, replicateRound } from '../../src/jobs/wal/replicate-round.js'
import { openSpool, type SpoolState } from '../../src/jobs/wal/spool.js'
import { createFilesystemStore } from '../../src/storage/filesystem-store.js'
import { createMemoryStore } from '../catalog/memory-store.js'
import { noKeys } from '../catalog/sample-manifest.js'
import { putWal } from '../wal/put-wal.js'

const system = parseSystemName('shop')
const position = (lsn: string) => ({ timeline: 1, lsn: parseLsn(lsn) })
const state: SpoolState = {
  version: 1,
  id: 'one',
  systemIdentifier: '7',
  segmentSizeBytes: 2 ** 20,
  origin: position('0/100000'),
  received: position('0/200000'),
  histories: [],
}

let directory: string
let store: ReturnType<typeof createMemoryStore>
let replication: Replication

/** A spool with one segment, and a repository without it. */
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quiet-'))
  store = createMemoryStore()
  const spool = openSpool({ directory, store: createFilesystemStore({ root: join(directory, 'sealed') }), maximumBytes: 1e9 })
  replication = {
    system,
    spool,
    target: { name: parseRepositoryName('primary'), store, partsInFlight: 4 } as unknown as Repository,
    catalog: createCatalog({ store, keys: noKeys }),
    pace: async () => {},
    helpers: async () => [],
    keys: async () => noKeys,
    onUseless: () => {},
    watchGaps: async () => {},
    there: new Set(),
    signal: new AbortController().signal,
  }
  await spool.make()
  await seal('000000010000000000000001')
  await spool.writeState(state)
})

afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

async function seal(file: string): Promise<void> {
  const identity = { kind: 'segment', file, systemIdentifier: '7', hash: parseWalHash('0'.repeat(16)) } as const
  const key = walKey(system, identity, { completedAt: new Date(), encrypted: false })
  await replication.spool.store.put(key, Buffer.alloc(1000), { ifAbsent: true })
}

/** Rounds until nothing is left: of what was written a moment ago it is not known yet. */
async function settle(): Promise<Round> {
  for (;;) {
    const round = await replicateRound(replication)
    if (round !== undefined && (await isQuiet(replication, round))) return round
  }
}

test('once all is sent and marked no round is needed, until something is sealed', async () => {
  const settled = await settle()
  expect(settled).toMatchObject({ waiting: 0, archived: { position: state.received } })
  expect(store.objects.size).toBe(1)
  expect(await isQuiet(replication, settled)).toBe(true)
  await seal('000000010000000000000002')
  await replication.spool.writeState({ ...state, received: position('0/300000') })
  expect(await isQuiet(replication, settled)).toBe(false)
  expect((await settle()).archived.position).toEqual(position('0/300000'))
  expect(store.objects.size).toBe(2)
})

test('a sample to be marked is something new; so is a spool made anew, however alike it is', async () => {
  const settled = await settle()
  const at = new Date().toISOString()
  await replication.spool.writeSamples([{ at, ...position('0/180000') }])
  expect(await isQuiet(replication, settled)).toBe(false)
  const marked = await settle()
  expect(marked.archived.markedAt).toBe(at)
  await replication.spool.writeState({ ...state, id: 'two' })
  expect(await isQuiet(replication, marked)).toBe(false)
})

test('more samples than one round puts are all marked', async () => {
  const samples = Array.from({ length: 120 }, (_, n) => ({
    at: new Date(1e12 + n * 1000).toISOString(),
    ...position('0/180000'),
  }))
  await replication.spool.writeSamples(samples)
  expect((await settle()).archived.markedAt).toBe(samples.at(-1)?.at)
})

test.each(['with another to help', 'alone'])(
  'a repository added to an old system takes what waits and nothing of the past, %s',
  async (how) => {
    const helper = place('local')
    await putAt(helper.store, '0')
    const helpers = async () => (how === 'alone' ? [] : [helper])
    await replication.spool.writeState({ ...state, origin: position('0/0') })
    const round = await replicateRound({ ...replication, helpers })
    expect(round?.archived).toMatchObject({ position: state.received, gaps: [] })
    expect([...store.objects.keys()]).toEqual([expect.stringContaining('/000000010000000000000001-')])
  },
)

test.each([
  ['stays where the gap stays: it is all there is of its segment', 'alone', true],
  ['goes once the gap is filled', 'with another to help', false],
])('a partial segment before a gap %s', async (_, how, stays) => {
  const { spool } = replication
  const helper = place('local')
  for (const each of ['2', '3']) await putAt(helper.store, each)
  await seal('000000010000000000000004')
  await spool.writeState({ ...state, received: position('0/500000') })
  const identity = { kind: 'partial', file: '000000010000000000000002', endLsn: parseLsn('0/280000') } as const
  const hash = parseWalHash('0'.repeat(16))
  const partial = walKey(system, { ...identity, systemIdentifier: '7', hash }, { completedAt: new Date(), encrypted: false })
  await store.put(partial, Buffer.alloc(1000), { ifAbsent: true })
  const before = { version: 1, spool: state.id, gaps: [], partials: [partial] } as const
  const ends = { 1: parseLsn('0/280000') }
  await spool.writeArchived(replication.target.name, { ...before, position: position('0/200000'), ends })
  replication = { ...replication, helpers: async () => (how === 'alone' ? [] : [helper]) }
  const { archived } = await settle()
  expect(archived.position).toEqual(position('0/500000'))
  expect(archived.gaps).toHaveLength(stays ? 1 : 0)
  expect(store.objects.has(partial)).toBe(stays)
})

function place(name: string) {
  const own = createMemoryStore()
  const repository = { name: parseRepositoryName(name), store: own } as unknown as Repository
  return { store: own, repository, catalog: createCatalog({ store: own, keys: noKeys }) }
}

function putAt(to: ReturnType<typeof createMemoryStore>, number: string): Promise<string> {
  const file = { kind: 'segment', file: `00000001000000000000000${number}` } as const
  const bytes = Buffer.alloc(state.segmentSizeBytes)
  return putWal({ store: to, keys: noKeys, system, systemIdentifier: '7', file, bytes, completedAt: new Date(0) })
}
