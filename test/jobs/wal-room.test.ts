import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { walKey } from '../../src/catalog/wal-keys.js'
import { createConditions } from '../../src/domain/condition.js'
import { parseRepositoryName, parseSystemName, type RepositoryName } from '../../src/domain/ids.js'
import { type Lsn, parseLsn, segmentNameAt } from '../../src/domain/lsn.js'
import { parseWalHash } from '../../src/domain/wal.js'
import { lackOfRoom } from '../../src/jobs/wal/keep-room.js'
import type { Reception } from '../../src/jobs/wal/receive-session.js'
import { listSealed } from '../../src/jobs/wal/sealed-files.js'
import { openSpool, type Spool, type SpoolState } from '../../src/jobs/wal/spool.js'
import { createFilesystemStore } from '../../src/storage/filesystem-store.js'

const system = parseSystemName('shop')
const [local, primary] = [parseRepositoryName('local'), parseRepositoryName('primary')]
const segmentSizeBytes = 2 ** 20
const origin = { timeline: 1, lsn: parseLsn('0/100000') }
const state: SpoolState = {
  version: 1,
  id: 'one',
  systemIdentifier: '7',
  segmentSizeBytes,
  origin,
  received: { timeline: 1, lsn: parseLsn('0/500000') },
  histories: [],
}
const conditions = createConditions(
  () => new Date(),
  () => {},
)
let directory: string
let spool: Spool

/** Four sealed segments of 1000 bytes, in a spool that may hold 2500. */
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'room-'))
  spool = openSpool({ directory, store: createFilesystemStore({ root: join(directory, 'sealed') }), maximumBytes: 2500 })
  await spool.make()
  for (const lsn of ['0/100000', '0/200000', '0/300000', '0/400000']) {
    const file = segmentNameAt(1, parseLsn(lsn), segmentSizeBytes)
    const identity = { kind: 'segment', file, systemIdentifier: '7', hash: parseWalHash('0'.repeat(16)) } as const
    const key = walKey(system, identity, { completedAt: new Date(), encrypted: true })
    await spool.store.put(key, Buffer.alloc(1000), { ifAbsent: true })
  }
})

afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

const holds = (repository: RepositoryName, lsn: string) =>
  spool.writeArchived(repository, {
    version: 1,
    spool: 'one',
    position: { timeline: 1, lsn: parseLsn(lsn) },
    ends: { 1: lsn as Lsn },
    gaps: [],
    partials: [],
  })

const look = (now = state) =>
  lackOfRoom(
    {
      spool,
      conditions,
      repositories: [local, primary],
      wal: { required: [primary] },
      sealing: { system },
    } as unknown as Reception,
    now,
  )

test('more than the spool may hold stops receiving, until the required repositories have taken it', async () => {
  await holds(local, '0/500000')
  expect(await look()).toMatchObject({
    code: 'SPOOL_SHORT',
    message: expect.stringMatching(/^4.00 kB of WAL wait in the spool, which may hold 2.50 kB/),
  })
  expect(await listSealed(spool, system)).toHaveLength(4)
  await holds(primary, '0/300000')
  expect(await look()).toBeUndefined()
  expect(await listSealed(spool, system)).toHaveLength(2)
})

test('what only others lack is dropped for room, the oldest first, and told', async () => {
  await holds(primary, '0/500000')
  await look()
  expect((await listSealed(spool, system)).map(({ file }) => file)).toEqual([
    '000000010000000000000003',
    '000000010000000000000004',
  ])
  expect(conditions.list()).toMatchObject([{ code: 'SPOOL_SHORT', message: expect.stringContaining('2 files') }])
})

test('what was received of a branch that was left stays until it is sent, also where the spool began anew behind it', async () => {
  const begun = { timeline: 3, lsn: parseLsn('0/500000') }
  const stock = { version: 1, spool: 'one', position: begun, ends: {}, gaps: [], partials: [] } as const
  const now = { ...state, origin: begun, received: begun }
  for (const repository of [local, primary]) await spool.writeArchived(repository, stock)
  expect(await look(now)).toMatchObject({ code: 'SPOOL_SHORT' })
  expect(await listSealed(spool, system)).toHaveLength(4)
  for (const repository of [local, primary]) {
    await spool.writeArchived(repository, { ...stock, ends: { 1: parseLsn('0/400000') } })
  }
  expect(await look(now)).toBeUndefined()
  expect((await listSealed(spool, system)).map(({ file }) => file)).toEqual(['000000010000000000000004'])
})

test('a history stays, also when every repository has it: one that is added later needs it', async () => {
  const begun = { timeline: 2, lsn: parseLsn('0/500000') }
  const onSecond = { ...state, origin: begun, received: begun }
  const history = {
    kind: 'history',
    file: '00000002.history',
    systemIdentifier: '7',
    hash: parseWalHash('1'.repeat(16)),
  } as const
  await spool.store.put(walKey(system, history, { completedAt: new Date(), encrypted: true }), Buffer.alloc(100), {
    ifAbsent: true,
  })
  const stock = { version: 1, spool: 'one', position: begun, ends: {}, gaps: [], partials: [] } as const
  for (const repository of [local, primary]) {
    await spool.writeArchived(repository, { ...stock, ends: { 1: parseLsn('0/500000'), 2: parseLsn('0/512345') } })
  }
  await look(onSecond)
  expect((await listSealed(spool, system)).map(({ file }) => file)).toEqual([history.file])
})
