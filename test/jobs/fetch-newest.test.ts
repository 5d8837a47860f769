import { mkdir, mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { createCatalog } from '../../src/catalog/catalog.js'
import type { Composition } from '../../src/composition/compose.js'
import type { HoldfastError } from '../../src/domain/errors.js'
import { parseObjectKey, parseRepositoryName, parseSystemName } from '../../src/domain/ids.js'
import { parseLsn } from '../../src/domain/lsn.js'
import type { WalObject } from '../../src/domain/wal.js'
import { fetchNewest } from '../../src/jobs/fetch-newest.js'
import type { WalFetching, WantedWal } from '../../src/jobs/fetch-wal.js'
import { createMemoryStore } from '../catalog/memory-store.js'
import { noKeys } from '../catalog/sample-manifest.js'
import { putWal } from '../wal/put-wal.js'

const system = parseSystemName('shop')
const repository = parseRepositoryName('local')
const file = '000000010000000000000005'
const systemIdentifier = '7593412345678901234'

let store: ReturnType<typeof createMemoryStore>
let problems: HoldfastError[]
let fetching: WalFetching

beforeEach(async () => {
  store = createMemoryStore()
  problems = []
  const directory = await mkdtemp(join(tmpdir(), 'delivery-'))
  await mkdir(join(directory, 'ready'))
  fetching = {
    composition: { repository: async () => ({ name: repository, store }), keys: async () => noKeys } as unknown as Composition,
    system,
    delivery: { directory, ready: join(directory, 'ready') } as WalFetching['delivery'],
    owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 } as WalFetching['owner'],
    replay: {},
    signal: new AbortController().signal,
    onProblem: (problem) => problems.push(problem),
  }
})

function put(content: string, end?: string) {
  const what =
    end === undefined ? ({ kind: 'segment', file } as const) : ({ kind: 'partial', file, endLsn: parseLsn(end) } as const)
  return putWal({
    store,
    keys: noKeys,
    system,
    systemIdentifier,
    file: what,
    bytes: Buffer.from(content),
    completedAt: new Date(0),
  })
}

/** As a listing shows it now. */
async function look(): Promise<WantedWal> {
  const objects: WalObject[] = []
  for await (const object of createCatalog({ store, keys: noKeys }).wal.list(system)) objects.push(object)
  return { file, copies: objects.map((object) => ({ repository, object })) }
}

test('a partial segment that was superseded since it was listed is taken as it is now, and that is no problem', async () => {
  const first = await put('part', '0/5800000')
  const listed = await look()
  await store.delete([first])
  const second = await put('longer', '0/5900000')
  const later = await look()
  await store.delete([second])
  await put('all of it')
  const looks = [later, await look()]
  await fetchNewest(listed, fetching, async () => looks.shift() ?? listed)
  expect(await readFile(join(fetching.delivery.ready, file), 'utf8')).toBe('all of it')
  expect(problems).toEqual([])
})

test('what is gone and has nothing in its place is missing, and told once', async () => {
  const key = await put('part', '0/5800000')
  const listed = await look()
  await store.delete([parseObjectKey(key)])
  await expect(fetchNewest(listed, fetching, async () => listed)).rejects.toMatchObject({ code: 'ARTIFACT_MISSING' })
  expect(problems).toHaveLength(1)
})
