import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createCatalog } from '../../src/catalog/catalog.js'
import type { Repository } from '../../src/composition/repository.js'
import type { HoldfastError } from '../../src/domain/errors.js'
import { parseRepositoryName, parseSystemName } from '../../src/domain/ids.js'
import { parseLsn, segmentNameAt } from '../../src/domain/lsn.js'
import type { Gap } from '../../src/jobs/wal/archived-position.js'
import { type Helper, mendGap } from '../../src/jobs/wal/mend-gap.js'
import type { SpoolState } from '../../src/jobs/wal/spool.js'
import { createMemoryStore } from '../catalog/memory-store.js'
import { keyRing, noKeys } from '../catalog/sample-manifest.js'
import { putWal } from '../wal/put-wal.js'

const system = parseSystemName('shop')
const systemIdentifier = '7593412345678901234'
const segmentSizeBytes = 2 ** 20
const position = (lsn: string) => ({ timeline: 1, lsn: parseLsn(lsn) })
const gap = { from: position('0/100000'), to: position('0/300000') }
const state: SpoolState = {
  version: 1,
  id: 'one',
  systemIdentifier,
  segmentSizeBytes,
  origin: gap.from,
  received: gap.to,
  histories: [],
}
const [first, second] = ['0/100000', '0/200000'].map((lsn) => ({ lsn, bytes: randomBytes(segmentSizeBytes) }))

let directory: string
let target: ReturnType<typeof place>
let problems: HoldfastError[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mend-'))
  target = place('target')
  problems = []
})

afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

function place(name: string): Helper & { readonly store: ReturnType<typeof createMemoryStore> } {
  const store = createMemoryStore()
  const repository = { name: parseRepositoryName(name), store } as unknown as Repository
  return { store, repository, catalog: createCatalog({ store, keys: noKeys }) }
}

async function put({ store }: ReturnType<typeof place>, segment: typeof first, timeline = 1): Promise<string> {
  if (segment === undefined) throw new Error('there are two segments')
  const file = { kind: 'segment', file: segmentNameAt(timeline, parseLsn(segment.lsn), segmentSizeBytes) } as const
  return putWal({ store, keys: noKeys, system, systemIdentifier, file, bytes: segment.bytes, completedAt: new Date(0) })
}

function mend(...helpers: ReturnType<typeof place>[]): Promise<number> {
  return mendOf(gap, ...helpers)
}

function mendOf(lacking: Gap, ...helpers: ReturnType<typeof place>[]): Promise<number> {
  return mendGap({
    system,
    state,
    gap: lacking,
    target: target.repository,
    catalog: target.catalog,
    helpers,
    spool: { directory, incoming: directory },
    keys: async () => noKeys,
    onUseless: (problem) => problems.push(problem),
    signal: new AbortController().signal,
  })
}

test('what others hold is copied as it is, what the repository has itself is left, and no file stays', async () => {
  const helper = place('helper')
  const own = await put(target, first)
  await put(helper, first)
  const copied = await put(helper, second)
  expect(await mend(helper)).toBe(0)
  expect([...target.store.objects.keys()].sort()).toEqual([own, copied].sort())
  expect(target.store.objects.get(copied)).toEqual(helper.store.objects.get(copied))
  expect(problems).toEqual([])
  expect(await readdir(directory)).toEqual([])
})

test('a copy whose key is missing is told, and holds nothing else up', async () => {
  const helper = place('helper')
  const file = { kind: 'segment', file: segmentNameAt(1, gap.from.lsn, segmentSizeBytes) } as const
  const [bytes, completedAt] = [randomBytes(segmentSizeBytes), new Date(0)]
  await putWal({ store: helper.store, keys: keyRing('lost'), system, systemIdentifier, file, bytes, completedAt })
  const other = await put(helper, second)
  expect(await mend(helper)).toBe(1)
  expect(problems.map(({ code }) => code)).toEqual(['KEY_MISSING'])
  expect([...target.store.objects.keys()]).toEqual([other])
})

test.each([
  ['other bytes of the same length', (whole: Uint8Array) => Buffer.alloc(whole.length, 7)],
  ['the content of another segment', (_whole: Uint8Array, other: Uint8Array) => other],
  ['less than it should', (whole: Uint8Array) => whole.subarray(0, whole.length - 1000)],
])('a copy that holds %s is told and not put anywhere; the next repository is asked', async (_, damage) => {
  const [damaged, good] = [place('damaged'), place('good')]
  const key = await put(damaged, first)
  const other = await put(damaged, second)
  const [whole, otherBytes] = [damaged.store.objects.get(key), damaged.store.objects.get(other)]
  if (whole === undefined || otherBytes === undefined) throw new Error('both were put')
  damaged.store.objects.set(key, damage(whole, otherBytes))
  expect(await mend(damaged)).toBe(1)
  expect([...target.store.objects.keys()]).toEqual([other])
  expect(problems.map(({ code }) => code)).toEqual(['ARTIFACT_DAMAGED'])
  expect(problems[0]?.message).toMatch(/^000000010000000000000001 in repository damaged cannot fill a gap: /)
  await put(good, first)
  expect(await mend(damaged, good)).toBe(0)
  expect(target.store.objects.get(key)).toEqual(whole)
  expect(await readdir(directory)).toEqual([])
})

test('across a promotion what the old primary wrote behind the fork is not taken for what is missing', async () => {
  const across = { ...gap, to: { timeline: 2, lsn: gap.to.lsn } }
  const helper = place('helper')
  const before = await put(helper, first)
  await put(helper, second)
  // Without the history nobody knows which one is meant.
  await expect(mendOf(across, helper)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await writeFile(join(directory, '00000002.history'), '1\t0/200080\tno recovery target specified\n')
  expect(await mendOf(across, helper)).toBe(1)
  expect([...target.store.objects.keys()]).toEqual([before])
  const after = await put(helper, second, 2)
  expect(await mendOf(across, helper)).toBe(0)
  expect([...target.store.objects.keys()].sort()).toEqual([before, after].sort())
})
