import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseLsn } from '../../src/domain/lsn.js'
import { physicalFacts } from '../../src/domain/physical-facts.js'
import type { Recovery } from '../../src/domain/plan-recovery.js'
import { chooseServer } from '../../src/engines/postgres/choose-server.js'
import { createPostgresWalSource } from '../../src/engines/postgres/wal/postgres-wal-source.js'
import { walDelivery } from '../../src/engines/postgres/wal-delivery.js'
import { startPostgres, type TestPostgres } from '../servers/postgres.js'
import { type Standby, startStandby } from '../wal/standby.js'
import { type ArtifactFolder, createArtifactFolder } from './artifact-folder.js'
import { createRestorePlace, engineFor, engineOptions, manifestOf, type RestorePlace } from './postgres-fixture.js'

let server: TestPostgres
let standby: Standby
let folder: ArtifactFolder
let place: RestorePlace

beforeAll(async () => {
  server = await startPostgres({ major: 18 })
  await server.fillSample(100)
  standby = await startStandby(server)
  folder = await createArtifactFolder()
  place = await createRestorePlace()
})

afterAll(async () => {
  await place?.remove()
  await folder?.remove()
  await standby?.dispose()
  await server?.dispose()
})

test('a backup of a standby is restored to the newest there is, and not made a standby that waits for more', async () => {
  const signal = AbortSignal.timeout(100_000)
  const engine = engineFor(server, { hosts: [`127.0.0.1:${standby.port}`] })
  const manifest = manifestOf(await engine.capture({ kind: 'full', label: 'avi5' }, folder.sink, signal))
  const instance = await place.create(manifest, engine)
  const request = { instance, manifest, reader: folder.reader }
  const { systemIdentifier, segmentSizeBytes, timeline, stopLsn } = physicalFacts(manifest)
  const goal = {
    systemIdentifier,
    segmentSizeBytes,
    timeline,
    target: { kind: 'latest' },
    needsHistory: false,
    pieces: [],
  } as const
  const recovery: Recovery = { ...goal, endLsn: stopLsn, endAt: manifest.stoppedAt }
  await engine.prepare({ ...request, recovery, progress: () => {} }, signal)
  const checks = await engine.check({ ...request, stage: 'beforeStart' }, signal)
  expect(checks.filter(({ outcome }) => outcome === 'failed')).toEqual([])
  await expect(access(join(instance.dataDirectory, 'standby.signal'))).rejects.toMatchObject({ code: 'ENOENT' })
  // Nothing was archived: whatever is asked for is not there.
  await writeFile(walDelivery(instance).expected, '\n', { mode: 0o644 })
  await place.provisioner.start(instance, signal)
  const recovered = await engine.recover({ instance, manifest, recovery, progress: () => {} }, signal)
  expect(recovered).toMatchObject({ outcome: 'recovered', timeline: 2 })
})

test('a slot is not said to be dropped while a host that may have it is away', async () => {
  const signal = AbortSignal.timeout(60_000)
  const hosts = [standby, server].map(({ port }) => `127.0.0.1:${port}`)
  const source = createPostgresWalSource(engineOptions(server, { hosts }), 'avi5')
  const slots = async (on: TestPostgres | Standby) => (await on.sql('select slot_name from pg_replication_slots')).length
  const found = await source.find(signal)
  await source.ensureGuard(found, signal)
  const [{ lsn } = { lsn: '' }] = await server.sql<{ lsn: string }>('select pg_current_wal_lsn() as lsn')
  await expect.poll(() => source.guardOthers(found, parseLsn(lsn), signal)).toEqual({ failures: [], rivals: [] })
  expect(await slots(standby)).toBe(1)
  await standby.stop()
  await expect(source.dropGuard(signal)).rejects.toMatchObject({
    code: 'SOURCE_UNAVAILABLE',
    message: expect.stringContaining(`holdfast_avi5 may still be on 127.0.0.1:${standby.port}`),
    hint: expect.stringContaining(`pg_drop_replication_slot('holdfast_avi5')`),
  })
  expect(await slots(server)).toBe(0)
  await standby.restart()
  expect(await source.dropGuard(signal)).toEqual([`127.0.0.1:${standby.port}`])
})

/** Shared by the tests that follow: those of two servers that take writes, after the second was promoted. */
const labels = () => [server, standby].map(({ port }) => `127.0.0.1:${port}`) as [string, string]

test('of two servers that take writes the one that took over is chosen, and both are named', async () => {
  const signal = AbortSignal.timeout(100_000)
  await server.sql(`create role looker login password '${server.password}'`)
  const [old, other] = labels()
  const source = createPostgresWalSource(engineOptions(server, { hosts: [old, other] }), 'avi5')
  const received = await source.find(signal)
  await source.ensureGuard(received, signal)
  // The first server at two addresses is no rival of itself.
  const hosts = [old, `localhost:${server.port}`, other]
  const twice = createPostgresWalSource(engineOptions(server, { hosts }), 'avi5')
  expect(await twice.guardOthers(received, undefined, signal)).toEqual({ failures: [], rivals: [] })
  // A role that may do nothing else.
  const login = { user: 'looker', password: server.password, database: 'postgres', connectTimeoutMs: 10_000 }
  const access = { ...login, hosts }
  expect(await chooseServer(access, signal)).toMatchObject({ role: 'primary', address: { label: old }, passedOver: [] })
  await standby.promote()
  const named = `${old} takes writes on timeline 1, and ${other} on timeline 2, which is taken, being the higher one: fence the one that`
  const chosen = await chooseServer(access, signal)
  expect(chosen).toMatchObject({ role: 'primary', address: { label: other } })
  expect(chosen.passedOver).toHaveLength(2)
  expect(chosen.passedOver[0]).toContain(named)
  const turned = await chooseServer({ ...access, hosts: [other, old] }, signal)
  expect(turned).toMatchObject({ address: { label: other }, passedOver: [expect.stringContaining(named)] })

  // Archived of the old one as far as it will ever be: the new one keeps what it has written since all the same.
  const kept = await slotAt(standby)
  for (const each of [server, standby]) await each.sql('create table written as select generate_series(1, 5000)')
  const beyond = parseLsn('FF/0')
  expect(await source.guardOthers(received, beyond, signal)).toEqual({
    ...{ failures: [], successor: other },
    rivals: [expect.stringContaining(named)],
  })
  const successor = await source.find(signal)
  expect(successor).toMatchObject({ label: other, timeline: 2 })
  const atFork = await slotAt(server)
  expect(await source.guardOthers(successor, beyond, signal)).toEqual({ failures: [], rivals: [expect.stringContaining(named)] })
  expect([await slotAt(standby), await slotAt(server)]).toEqual([kept, atFork])
})

async function slotAt(on: TestPostgres | Standby): Promise<string | undefined> {
  const [slot] = await on.sql<{ at: string }>('select restart_lsn::text as at from pg_replication_slots')
  return slot?.at
}

test('a server that lets us in and is silent then is passed over', async () => {
  const signal = AbortSignal.timeout(100_000)
  const [silent, other] = labels()
  for (const each of [server, standby]) await each.sql(`create role caller login password '${server.password}'`)
  // It answers with what comes first in the search path.
  await server.sql('create schema silence')
  await server.sql(`create function silence.pg_is_in_recovery() returns bool language sql
    as 'select pg_sleep(1000) is null'`)
  await server.sql('grant usage on schema silence to caller')
  await server.sql('alter role caller set search_path = silence, pg_catalog')
  const login = { user: 'caller', password: server.password, database: 'postgres', connectTimeoutMs: 3_000 }
  const alone = chooseServer({ ...login, hosts: [silent] }, signal)
  const [chosen, refused] = await Promise.allSettled([chooseServer({ ...login, hosts: [silent, other] }, signal), alone])
  const message = `PostgreSQL at ${silent}: it let us in and did not answer within 9s`
  expect(chosen).toMatchObject({ value: { role: 'primary', address: { label: other }, passedOver: [message] } })
  expect(refused).toMatchObject({ reason: { code: 'SOURCE_UNAVAILABLE', message } })
})
