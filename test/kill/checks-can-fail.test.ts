import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { artifactKey } from '../../src/catalog/keys.js'
import { parseCrc32, parseObjectKey, parseRepositoryName, parseSystemName } from '../../src/domain/ids.js'
import type { Store, Uploads } from '../../src/storage/store.js'
import { endOf, startBackup } from './backup-run.js'
import { type KillStand, startKillStand } from './kill-stand.js'
import { leftovers } from './leftovers.js'
import { expectWholeOrNothing, removeBackups } from './whole-or-nothing.js'

let stand: KillStand

beforeAll(async () => {
  stand = await startKillStand({ atOnce: 1 })
}, 120_000)

afterAll(() => stand?.close())

test('everything a backup may leave behind is seen', { timeout: 120_000 }, async () => {
  const { store } = await stand.composition.repository(parseRepositoryName('primary'))
  await store.put(parseObjectKey('shop1/orphan'), Buffer.from('x'), { ifAbsent: true })
  const upload = await sendTwice(store)
  await mkdir(join(stand.directory, 'local/shop1/a1/.scratch'), { recursive: true })
  await writeFile(join(stand.directory, 'local/shop1/.growing-base'), '')
  const leases = await stand.composition.leases(parseSystemName('shop1'), parseRepositoryName('local'))
  const holder = { workflowId: 'forgotten', runId: '1' }
  await leases.acquireExclusive({ holder, ttlMs: 60_000 })
  await mkdir(join(stand.stateDirectory, 'jobs/0123'), { recursive: true })
  await mkdir(join(stand.directory, 'instances/copy'))
  await stand.postgres.sql(`select pg_create_physical_replication_slot('forgotten')`)
  const sleeper = execa('sleep', ['60'], { cwd: stand.directory, reject: false })
  const found = await leftovers(stand, [])
  sleeper.kill('SIGKILL')
  await sleeper
  await stand.postgres.sql(`select pg_drop_replication_slot('forgotten')`)
  expect(found.map((line) => line.replace(/leases\/.*/, 'leases/…'))).toEqual([
    `process: ${sleeper.pid} sleep 60`,
    'slot: forgotten',
    'local: _holdfast/shop1/leases/…',
    'local: shop1/.growing-base',
    'local: shop1/a1/.scratch/',
    'bucket: shop1/a1/small',
    'bucket: shop1/orphan',
    `upload: shop1/a1/large ${upload}`,
    'state: jobs/0123/',
    'instances: copy/',
    `sent twice: shop1/a1/large ${upload} 1`,
    'sent twice: shop1/a1/small',
  ])
})

test('a copy that lacks an artifact, or whose manifest is gone, is not whole', { timeout: 120_000 }, async () => {
  await removeBackups(stand)
  const end = await endOf(await startBackup(stand, 'shop1'))
  if (!('report' in end)) throw new Error(end.failure)
  const { backup } = end.report
  const { store } = await stand.composition.repository(parseRepositoryName('primary'))
  await store.delete([artifactKey(backup, 'a1', 'base.tar.zst.enc')])
  await expect(expectWholeOrNothing(stand, [end], 'look at artifacts')).rejects.toThrow(`${backup} in primary`)
  await removeBackups(stand)
  await expect(expectWholeOrNothing(stand, [end], 'look at artifacts')).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

/** @returns the id of an upload that holds one part, which was sent twice; so was a small artifact */
async function sendTwice(store: Store): Promise<string> {
  const { uploads } = store
  if (uploads === undefined) throw new Error('the store takes no parts')
  const small = parseObjectKey('shop1/a1/small')
  await store.put(small, Buffer.from('x'), { ifAbsent: true })
  await store.put(small, Buffer.from('x'), { ifAbsent: true }).catch(() => undefined)
  return sendPartTwice(uploads)
}

async function sendPartTwice(uploads: Uploads): Promise<string> {
  const upload = await uploads.begin(parseObjectKey('shop1/a1/large'))
  const part = { number: 1, bytes: Buffer.from('123456789'), crc32: parseCrc32('cbf43926') }
  await uploads.putPart(upload, part)
  await uploads.putPart(upload, part)
  return upload.id
}
