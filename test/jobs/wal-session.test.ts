import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createConditions } from '../../src/domain/condition.js'
import { parseRepositoryName, parseSystemName } from '../../src/domain/ids.js'
import { parseLsn } from '../../src/domain/lsn.js'
import { firstTimeline } from '../../src/domain/timeline-history.js'
import type { WalServer, WalSource } from '../../src/engines/wal-source.js'
import { receiveSession } from '../../src/jobs/wal/receive-session.js'
import { openSpool } from '../../src/jobs/wal/spool.js'
import { createFilesystemStore } from '../../src/storage/filesystem-store.js'
import { noKeys } from '../catalog/sample-manifest.js'

const lsn = parseLsn('0/500000')
const server: WalServer = {
  ...{ label: 'db:5432', systemIdentifier: '7', timeline: 1, history: firstTimeline },
  ...{ flushedLsn: lsn, segmentSizeBytes: 2 ** 20 },
}

test('an address that leads to a new primary ends the session, though the receiver is still connected to the old one', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'session-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const signal = AbortSignal.timeout(20_000)
  const spool = openSpool({ directory, store: createFilesystemStore({ root: join(directory, 'sealed') }), maximumBytes: 1e9 })
  const primary = parseRepositoryName('primary')
  let receiving: AbortSignal | undefined
  const source: Partial<WalSource> = {
    find: async () => server,
    ensureGuard: async () => ({ restartLsn: lsn, keptBytes: 0, state: 'ensured' }),
    guardOthers: async () => ({ failures: [], rivals: [] }),
    receive: async (_server, _from, _directory, ending) => {
      receiving = ending
      return { ended: new Promise<never>((_, reject) => ending.addEventListener('abort', () => reject(ending.reason))) }
    },
    look: async () => ({ at: new Date().toISOString(), timeline: 2, lsn }),
  }
  const sealing = { system: parseSystemName('shop'), spool, keys: noKeys, compressionLevel: 1, signal }
  const reception = {
    ...{ source: source as WalSource, spool, sealing, repositories: [primary], tell: () => {} },
    wal: { markIntervalMs: 1000, required: [primary] } as unknown as Parameters<typeof receiveSession>[0]['wal'],
    conditions: createConditions(
      () => new Date(),
      () => {},
    ),
  }
  await expect(receiveSession(reception, 'where it was', signal)).rejects.toMatchObject({
    code: 'SOURCE_UNAVAILABLE',
    message: 'db:5432 is on timeline 2, and timeline 1 was received: a new session begins',
  })
  expect(receiving?.aborted).toBe(true)
  expect(await spool.readSamples()).toEqual([])
})
