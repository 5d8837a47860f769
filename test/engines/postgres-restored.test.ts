import { appendFile, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Instance } from '../../src/domain/instance.js'
import type { Manifest } from '../../src/domain/manifest.js'
import type { CheckResult } from '../../src/domain/operations.js'
import type { Engine } from '../../src/engines/engine.js'
import { withConnection } from '../../src/engines/postgres/connection.js'
import { startPostgres, type TestPostgres } from '../servers/postgres.js'
import { killAndBury } from '../stand/trial-processes.js'
import { type ArtifactFolder, createArtifactFolder } from './artifact-folder.js'
import { createRestorePlace, engineFor, manifestOf, type RestorePlace } from './postgres-fixture.js'

const { signal } = new AbortController()

const trusting = ['host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust', 'host all all 10.9.8.0/24 md5']

let server: TestPostgres
let folder: ArtifactFolder
let place: RestorePlace
let instance: Instance
let checks: CheckResult[]
let engine: Engine
let manifest: Manifest

/**
 * An original that makes it hard: its first superuser may not log in, nobody may ALTER SYSTEM, extensions run jobs; its pg_hba.conf
 * is a link, and some of its settings are in a file outside, which is not there where it is restored.
 */
beforeAll(async () => {
  server = await startPostgres({ major: 18, hostAccess: trusting })
  await server.sql('create role dba superuser login')
  await server.sql(`alter system set cron.launch_active_jobs = 'on'`)
  await appendFile(join(server.dataDirectory, 'postgresql.conf'), "allow_alter_system = off\ncron.host = 'production'\n")
  const outside = join(server.directory, 'memory.conf')
  await writeFile(outside, `work_mem = '7MB'\n`)
  await appendFile(join(server.dataDirectory, 'postgresql.conf'), `include_if_exists '${outside}'\n`)
  const hostAccess = join(server.dataDirectory, 'pg_hba.conf')
  await rename(hostAccess, join(server.directory, 'hosts.conf'))
  await symlink(join(server.directory, 'hosts.conf'), hostAccess)
  await server.stop()
  await server.start()
  await server.sql('alter role postgres nologin')
  engine = engineFor(server, { user: 'dba' })
  folder = await createArtifactFolder()
  manifest = manifestOf(await engine.capture({ kind: 'full', label: 'avi5' }, folder.sink, signal))
  await rm(outside)
  place = await createRestorePlace()
  instance = await place.create(manifest, engine)
  const request = { instance, manifest, reader: folder.reader }
  await engine.prepare({ ...request, progress: () => {} }, signal)
  await place.provisioner.start(instance, signal)
  await engine.recover({ instance, manifest, progress: () => {} }, signal)
  checks = await engine.check({ ...request, stage: 'running' }, signal)
})

afterAll(async () => {
  await place?.remove()
  await folder?.remove()
  await server?.dispose()
})

test('is checked by a superuser that may log in, where the first one may not', () => {
  expect(checks.filter(({ outcome }) => outcome === 'failed')).toEqual([])
  expect(checks.map(({ name }) => name)).toContain('tables of postgres')
})

test('forgets its recovery where nobody may ALTER SYSTEM, so that it starts again', async () => {
  await place.provisioner.stop(instance, signal)
  await place.provisioner.start(instance, signal)
  expect(await ask(`select current_setting('allow_alter_system') as off, current_setting('recovery_target') as target`)).toEqual([
    { off: 'off', target: '' },
  ])
})

test('has settings from a file that is not there any more, and who may come, from a file that was linked to', async () => {
  const rules = `select count(*)::int as rules from pg_hba_file_rules where address = '10.9.8.0'`
  expect(await ask(`select current_setting('work_mem') as memory, (${rules})`)).toEqual([{ memory: '7MB', rules: 1 }])
})

test('runs no jobs by the clock', async () => {
  const names = ['cron.launch_active_jobs', 'timescaledb.max_background_workers', 'pg_partman_bgw.dbname']
  const settings = names.map((name) => `current_setting('${name}')`)
  expect(await ask(`select array[${settings.join(', ')}] as quiet`)).toEqual([{ quiet: ['off', '0', ''] }])
})

test('trusts nobody who comes over TCP', async () => {
  const access = { user: 'dba', database: 'postgres', sslmode: 'disable', connectTimeoutMs: 5_000 } as const
  const address = { host: '127.0.0.1', port: instance.port, label: 'the copy' }
  await expect(withConnection(access, { address }, signal, async () => 'in')).rejects.toMatchObject({ code: 'SOURCE_DENIED' })
})

test('is started again where its process id has become that of somebody else, and recovery is not taken to go on', async () => {
  const path = join(instance.dataDirectory, 'postmaster.pid')
  await killAndBury(Number.parseInt(await readFile(path, 'utf8'), 10))
  const other = Number.parseInt(await readFile(join(server.dataDirectory, 'postmaster.pid'), 'utf8'), 10)
  const socketLock = join(instance.socketDirectory, `.s.PGSQL.${instance.port}.lock`)
  for (const lock of [path, socketLock]) await writeFile(lock, (await readFile(lock, 'utf8')).replace(/^\d+/, String(other)))
  const ended = await engine.recover({ instance, manifest, progress: () => {} }, AbortSignal.timeout(30_000))
  expect(ended).toMatchObject({ outcome: 'start-again', why: 'the server was killed' })
  await place.provisioner.start(instance, signal)
  expect(await ask('select 1 as one')).toEqual([{ one: 1 }])
})

async function ask(sql: string): Promise<unknown[]> {
  const access = { user: 'dba', database: 'postgres', sslmode: 'disable', connectTimeoutMs: 5_000 } as const
  const address = { host: instance.socketDirectory, port: instance.port, label: 'the copy' }
  return withConnection(access, { address }, signal, ({ rows }) => rows(sql))
}
