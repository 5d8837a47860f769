import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { chooseBackup } from '../../src/activities/choose-backup.js'
import type { Composition } from '../../src/composition/compose.js'
import { parseSystemName } from '../../src/domain/ids.js'
import { parseRestoreTarget } from '../../src/domain/recovery-target.js'
import { createFilesystemStore } from '../../src/storage/filesystem-store.js'
import type { Store } from '../../src/storage/store.js'
import { noKeys } from '../catalog/sample-manifest.js'

/* A backup on timeline 1, and WAL on the way to timeline 2, of which the history is missing: nobody knows that way. */

const golden = fileURLToPath(new URL('../golden/v1/wal/plain', import.meta.url))
const { signal: neverAborted } = new AbortController()
const backup = 'avi5_full_2026-01-10T03-00-00Z'
let root: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'choose-'))
  await cp(golden, root, { recursive: true })
  const wal = join(root, 'avi5', 'wal')
  const history = (await readdir(wal, { recursive: true })).find((name) => basename(name).startsWith('00000002.history'))
  await rm(join(wal, history ?? 'no history'))
})

afterAll(async () => {
  await rm(root, { recursive: true, force: true })
})

function storeIn(directory: string): Store {
  return createFilesystemStore({ root: directory })
}

function choose(to: string, change: { readonly timeline?: number } = {}, directory = root, store = storeIn(directory)) {
  const composition = {
    config: { timeouts: { lightMs: 120_000 } },
    system: () => ({ repositories: ['local'], captureRepository: 'local' }),
    repository: async () => ({ name: 'local', store }),
    keys: async () => noKeys,
  } as unknown as Composition
  return chooseBackup(composition, { system: parseSystemName('avi5'), target: parseRestoreTarget(to), ...change }, neverAborted)
}

test('where no archived WAL can be used, the default is the end of the backup, and says what is left aside and what there is', async () => {
  const choice = await choose('latest')
  expect(choice).toMatchObject({ backup, stoppedAt: '2026-01-10T03:01:30.000Z' })
  expect(choice.recovery).toBeUndefined()
  expect(choice.away).toEqual([
    expect.stringMatching(
      /^archived WAL is left aside: .*00000002\.history is missing; .*add --timeline 1 if you mean that one$/,
    ),
  ])
})

test('a time behind the last mark of the timeline that is known is refused, one before it is restored along that, as what names it', async () => {
  await expect(choose('2026-01-10T03:25:00Z')).rejects.toMatchObject({
    code: 'OUTSIDE_WINDOW',
    message: expect.stringContaining('00000002.history is missing'),
  })
  const before = await choose('2026-01-10T03:15:00Z')
  expect(before.recovery).toMatchObject({ timeline: 1 })
  expect(before.away).toEqual([expect.stringContaining('timeline 2 is not known to have what was there')])
  const choice = await choose('latest', { timeline: 1 })
  expect(choice.recovery).toMatchObject({ timeline: 1, lastFile: { kind: 'partial', file: '000000010000000000000003' } })
})

test('with its history the default goes on to the newest timeline', async () => {
  const choice = await choose('latest', {}, golden)
  expect(choice).toMatchObject({ backup, away: [], recovery: { timeline: 2, endLsn: '0/4001000' }, walSources: ['local'] })
})

describe('a repository that takes its time', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  /** Each object of a listing is a page of its own. */
  function paged(beforePage: (page: number, signal: AbortSignal | undefined) => Promise<void>): Store {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const store = storeIn(golden)
    return {
      ...store,
      async *list(prefix, options) {
        let pages = 0
        for await (const object of store.list(prefix, options)) {
          pages += 1
          await beforePage(pages, prefix.includes('/wal/') ? options?.signal : undefined)
          yield object
        }
      },
    }
  }

  test('is waited for as long as more of its answer comes, however long all of it takes', async () => {
    let seconds = 0
    const store = paged(async () => {
      await vi.advanceTimersByTimeAsync(10_000)
      seconds += 10
    })
    const choice = await choose('latest', {}, golden, store)
    expect(choice).toMatchObject({ backup, away: [], recovery: { timeline: 2, endLsn: '0/4001000' } })
    expect(seconds).toBeGreaterThan(45 * 2)
  })

  test('is taken to have WAL where it does not say so at once, and what it has is restored', async () => {
    const store = paged(async (_, signal) => {
      if (signal !== undefined) await vi.advanceTimersByTimeAsync(20_000)
    })
    expect(await choose('latest', {}, golden, store)).toMatchObject({ backup, away: [], recovery: { timeline: 2 } })
  })

  test('is left when it falls silent in the middle, and named', async () => {
    const store = paged(async (page, signal) => {
      if (page <= 3 || signal === undefined) return
      while (!signal.aborted) {
        await turn()
        vi.advanceTimersByTime(5000)
      }
      signal.throwIfAborted()
    })
    await expect(choose('2026-01-10T03:15:00Z', {}, golden, store)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('local: fell silent: nothing more came for 45 s'),
    })
  })
})
