import { expect, test } from 'vitest'
import { createCatalog } from '../../src/catalog/catalog.js'
import { readWindow } from '../../src/composition/read-window.js'
import { parseSystemName } from '../../src/domain/ids.js'
import { formatLsn, type Lsn, parseLsn } from '../../src/domain/lsn.js'
import { segmentName } from '../../src/domain/wal.js'
import { createMemoryStore } from '../catalog/memory-store.js'
import { keyRing, noKeys, sampleManifest } from '../catalog/sample-manifest.js'
import { putWal } from '../wal/put-wal.js'

const system = parseSystemName('avi5')
const keys = keyRing('k1')
const now = new Date('2026-01-10T04:00:00.000Z')
const base = sampleManifest({ keyId: 'k1' })
const { systemIdentifier } = base.facts
const size = 16 * 2 ** 20
const middleOf = (number: number): Lsn => formatLsn(BigInt(number) * BigInt(size) + 0x100n)

/** A backup, segments 2 to 3, and a mark within the last. */
async function archive(turn?: (label: string) => Promise<void>) {
  const store = createMemoryStore(turn === undefined ? {} : { turn })
  const catalog = createCatalog({ store, keys })
  const segment = (number: number, ring = keys) => {
    const file = { kind: 'segment', file: segmentName({ timeline: 1, number: BigInt(number) }, size) } as const
    return putWal({ store, keys: ring, system, systemIdentifier, file, bytes: Buffer.from(`${number}`), completedAt: now })
  }
  const mark = (number: number, at: string) =>
    catalog.marks.put({ formatVersion: 1, system, systemIdentifier, timeline: 1, lsn: middleOf(number), at })
  await catalog.commit(base)
  await segment(2)
  await segment(3)
  await mark(3, '2026-01-10T03:58:00.000Z')
  return { place: { catalog, store, keys, system }, segment, mark }
}

test('what is archived while the window is read is no gap', async () => {
  let arrive: (() => Promise<void>) | undefined
  const { place, segment, mark } = await archive(async (label) => {
    if (!label.startsWith('list avi5/wal/') || label.endsWith('after ')) return
    const once = arrive
    arrive = undefined
    await once?.()
  })
  // Under a day the listing is past.
  arrive = async () => {
    await segment(4)
    await mark(5, '2026-01-10T03:59:00.000Z')
  }
  const { window } = await readWindow(place, now)
  expect(arrive).toBeUndefined()
  expect(window.gaps).toEqual([])
  expect(window.latest).toEqual({ at: '2026-01-10T03:58:00.000Z', lsn: middleOf(3) })
})

test('WAL that is not encrypted does not count where there is a key, and is named', async () => {
  const { place, segment, mark } = await archive()
  const key = await segment(4, noKeys)
  await mark(4, '2026-01-10T03:59:00.000Z')
  const { window, problems } = await readWindow(place, now)
  expect(window.latest?.lsn).toBe(middleOf(3))
  expect(problems).toEqual([`${key} is not encrypted, and must be where there is a key`])
  expect(parseLsn(window.spans[0]?.archivedTo ?? '')).toBe(formatLsn(4n * BigInt(size)))
})
