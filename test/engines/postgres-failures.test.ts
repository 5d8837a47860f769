import { chown, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { encodeManifest } from '../../src/catalog/manifest-codec.js'
import type { Captured } from '../../src/domain/manifest.js'
import { tablespacesOf } from '../../src/domain/physical-facts.js'
import { type Inventory, parseInventory } from '../../src/engines/postgres/inventory.js'
import { createPostgresEngine } from '../../src/engines/postgres/postgres-engine.js'
import { noKeys } from '../catalog/sample-manifest.js'
import { serverUser, startPostgres, type TestPostgres } from '../servers/postgres.js'
import { type ArtifactFolder, createArtifactFolder } from './artifact-folder.js'
import { createRestorePlace, engineFor, engineOptions, manifestOf } from './postgres-fixture.js'

const { signal } = new AbortController()
const request = { kind: 'full', label: 'avi5 nightly' } as const
/** Slow enough that a capture of the smallest cluster takes some ten seconds. The rate is of what goes over the wire. */
const slowly = { maxRateBytesPerSecond: 2 * 1024 * 1024, compression: { where: 'holdfast', level: 1 } } as const

let server: TestPostgres
let folder: ArtifactFolder

beforeAll(async () => {
  server = await startPostgres({ major: 15, settings: { max_wal_senders: '4' } })
  await server.fillSample(1_000)
  await server.sql(`create role plain login password 'plain'`)
  await server.sql(`create role backup login replication password 'backup'`)
  await server.sql('create database closed connection limit 0')
  await server.sql('create view doubled as select id * 2 as twice from sample')
})

afterAll(() => server?.dispose())

beforeEach(async () => {
  folder = await createArtifactFolder()
})

afterEach(() => folder.remove())

/** Resolves when the capture has stored its first bytes; fails with the capture if that ends before. */
async function underWay(capture: Promise<unknown>): Promise<void> {
  const begun = async () => {
    while (!folder.progress.some(({ doneBytes }) => doneBytes > 0)) await delay(10)
  }
  await Promise.race([begun(), capture.then(() => Promise.reject(new Error('the capture ended too early')))])
}

async function baseBackups(): Promise<{ pid: number }[]> {
  return server.sql<{ pid: number }>(`select pid from pg_stat_activity where backend_type = 'walsender'`)
}

/** Process ids of pg_basebackup writing below a directory, the oldest first. */
async function baseBackupPrograms(directory: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  const found = pids.filter(
    (_, index) => /^[^\0]*pg_basebackup\0/.test(commands[index] ?? '') && commands[index]?.includes(directory),
  )
  return found.sort((a, b) => a - b)
}

describe('a capture is lost', () => {
  test('when the server restarts, and nothing of it goes on', async () => {
    const capture = engineFor(server, slowly).capture(request, folder.sink, signal)
    capture.catch(() => {})
    await underWay(capture)
    await server.restartImmediate()
    await expect(capture).rejects.toMatchObject({ code: 'CAPTURE_LOST', message: expect.stringContaining('pg_basebackup') })
    expect(await baseBackups()).toEqual([])
  })

  test('when pg_basebackup is killed, the part that receives WAL included', async () => {
    const capture = engineFor(server, slowly).capture(request, folder.sink, signal)
    capture.catch(() => {})
    await underWay(capture)
    const [pid] = await baseBackupPrograms(folder.directory)
    process.kill(pid ?? 0, 'SIGKILL')
    await expect(capture).rejects.toMatchObject({ code: 'CAPTURE_LOST' })
    expect(await baseBackupPrograms(folder.directory)).toEqual([])
  })

  test('when its connection is ended on the server', async () => {
    const capture = engineFor(server, slowly).capture(request, folder.sink, signal)
    capture.catch(() => {})
    await underWay(capture)
    await server.sql(`select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'walsender'`)
    await expect(capture).rejects.toMatchObject({ code: 'CAPTURE_LOST' })
  })
})

test('an artifact that cannot be stored ends pg_basebackup, and is what is reported', async () => {
  const failing = await createArtifactFolder(async (name) => {
    if (name === 'base.tar') throw new Error('the disk is gone')
  })
  try {
    await expect(engineFor(server, slowly).capture(request, failing.sink, signal)).rejects.toThrow('the disk is gone')
    await expect.poll(baseBackups, { timeout: 5_000 }).toEqual([])
  } finally {
    await failing.remove()
  }
})

test('an aborted capture rejects with the reason and ends pg_basebackup', async () => {
  const stop = new AbortController()
  const capture = engineFor(server, slowly).capture(request, folder.sink, stop.signal)
  capture.catch(() => {})
  await underWay(capture)
  stop.abort(new Error('enough'))
  await expect(capture).rejects.toThrow('enough')
  await expect.poll(baseBackups, { timeout: 5_000 }).toEqual([])
})

describe('who may not is told so', () => {
  test('a wrong password is denied, and appears in no message', async () => {
    const engine = engineFor(server, { password: 'swordfish' })
    await expect(engine.probe('full', signal)).rejects.toMatchObject({
      code: 'SOURCE_DENIED',
      message: expect.not.stringContaining('swordfish'),
    })
    await expect(engine.capture(request, folder.sink, signal)).rejects.toMatchObject({ code: 'SOURCE_DENIED' })
  })

  test('a missing password is denied', async () => {
    const { password: _, ...options } = engineOptions(server)
    await expect(createPostgresEngine(options).probe('full', signal)).rejects.toMatchObject({ code: 'SOURCE_DENIED' })
  })

  test('a role without REPLICATION is found by the probe, with the statement that helps', async () => {
    const engine = engineFor(server, { user: 'plain', password: 'plain' })
    const { findings } = await engine.probe('full', signal)
    expect(findings.filter(({ outcome }) => outcome === 'failed')).toMatchObject([
      { subject: 'replication privilege', hint: 'alter role "plain" replication' },
    ])
    await expect(engine.capture(request, folder.sink, signal)).rejects.toMatchObject({ code: 'SOURCE_DENIED' })
  })
})

test('a role with nothing but REPLICATION captures, and notes what it could not see', async () => {
  const engine = engineFor(server, { user: 'backup', password: 'backup' })
  const captured = await engine.capture(request, folder.sink, signal)
  expect(captured.notes).toEqual([
    expect.stringMatching(/^1 database was not inspected/),
    expect.stringContaining('configuration files'),
  ])
  expect(captured.artifacts.map(({ role }) => role)).toEqual(['base', 'wal', 'backup-manifest', 'inventory'])
  expect((await inventoryOf(captured)).unread).toMatchObject([{ database: 'closed', reason: /too many connections/ }])
})

test('a lock that nobody gives up does not hold a backup', async () => {
  const holder = new pg.Client({ host: server.host, port: server.port, user: 'postgres', password: server.password })
  await holder.connect()
  try {
    await holder.query('begin; lock table sample in access exclusive mode')
    const captured = await engineFor(server).capture(request, folder.sink, signal)
    expect((await inventoryOf(captured)).unread).toMatchObject([{ database: 'postgres', reason: /lock timeout/ }])
  } finally {
    await holder.end()
  }
})

test('databases made and definitions changed while a backup runs are not promised', async () => {
  const capture = engineFor(server, slowly).capture(request, folder.sink, signal)
  capture.catch(() => {})
  await underWay(capture)
  await server.sql('create database newcomer')
  await server.sql('create table passing (id int)')
  await server.sql('drop table passing')
  const { databases } = await inventoryOf(await capture)
  expect(databases.map(({ name, during }) => [name, during])).toEqual([
    ['closed', 'unchanged'],
    ['postgres', 'changed'],
    ['template1', 'unchanged'],
  ])
})

test('a tablespace dropped while a backup runs is in the backup, and gone from what is restored', async () => {
  await makeTablespace('leaving')
  const during = await createArtifactFolder(async (name) => {
    if (name === 'base.tar') await server.sql('drop tablespace leaving')
  })
  const place = await createRestorePlace()
  try {
    const engine = engineFor(server)
    const manifest = manifestOf(await engine.capture(request, during.sink, signal))
    expect(tablespacesOf(manifest.facts).map(({ name }) => name)).toEqual(['leaving'])
    expect(encodeManifest(manifest, noKeys).length).toBeGreaterThan(0)
    const instance = await place.create(manifest, engine)
    const restore = { instance, manifest, reader: during.reader }
    await engine.prepare({ ...restore, progress: () => {} }, signal)
    await place.provisioner.start(instance, signal)
    await engine.recover({ instance, manifest, progress: () => {} }, signal)
    const checks = await engine.check({ ...restore, stage: 'running' }, signal)
    expect(checks.filter(({ outcome }) => outcome === 'failed')).toEqual([])
  } finally {
    await place.remove()
    await during.remove()
  }
})

test('a tablespace made while a backup runs makes it begin again', async () => {
  const during = await createArtifactFolder(async (name) => {
    if (name === 'base.tar') await makeTablespace('arriving')
  })
  try {
    // Long enough that it is made before the end, however busy the machine is.
    const capture = engineFor(server, { maxRateBytesPerSecond: 4 * 1024 * 1024 }).capture(request, during.sink, signal)
    await expect(capture).rejects.toMatchObject({
      code: 'CAPTURE_LOST',
      message: expect.stringContaining('tablespace was made'),
    })
  } finally {
    await during.remove()
    await server.sql('drop tablespace arriving')
  }
})

async function makeTablespace(name: string): Promise<void> {
  const location = join(server.directory, name)
  await mkdir(location, { mode: 0o700 })
  const { uid, gid } = await serverUser()
  await chown(location, uid, gid)
  await server.sql(`create tablespace ${name} location '${location}'`)
}

test('a server that goes away when its backup is complete does not take it back', async () => {
  const late = await createArtifactFolder(async (name) => {
    if (name === 'pg_wal.tar') await server.stop('immediate')
  })
  try {
    const captured = await engineFor(server).capture(request, late.sink, signal)
    expect(captured.facts).toMatchObject({ stopLsn: expect.stringMatching(/^[0-9A-F]+\//) })
  } finally {
    await late.remove()
    await server.start()
  }
})

async function inventoryOf(captured: Captured): Promise<Inventory> {
  const artifact = captured.artifacts.find(({ role }) => role === 'inventory')
  if (artifact === undefined) throw new Error('there is no inventory')
  return folder.reader.read(artifact, async (source) => parseInventory(await text(source)))
}

describe('the source is unavailable', () => {
  test('when nobody listens', async () => {
    const engine = engineFor(server, { hosts: ['127.0.0.1:1'] })
    await expect(engine.probe('full', signal)).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      message: expect.stringContaining('127.0.0.1:1'),
    })
  })

  test('unless another of its hosts answers', async () => {
    const engine = engineFor(server, { hosts: ['127.0.0.1:1', `127.0.0.1:${server.port}`, server.directory] })
    const { findings } = await engine.probe('full', signal)
    expect(findings[0]).toMatchObject({ subject: 'server', outcome: 'warning', message: expect.stringContaining('127.0.0.1:1') })
  })
})

test('too few free WAL senders fail the probe', async () => {
  const hold = engineFor(server, slowly).capture(request, folder.sink, signal)
  hold.catch(() => {})
  await underWay(hold)
  const second = await createArtifactFolder()
  const other = engineFor(server, slowly).capture(request, second.sink, signal)
  other.catch(() => {})
  await expect.poll(async () => (await baseBackups()).length, { timeout: 10_000 }).toBe(4)
  const { findings } = await engineFor(server).probe('full', signal)
  expect(findings.filter(({ outcome }) => outcome === 'failed').map(({ subject }) => subject)).toContain('WAL senders')
  await server.sql(`select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'walsender'`)
  await Promise.allSettled([hold, other])
  await second.remove()
})

test('tools of another version are refused by name', async () => {
  const engine = engineFor(server, { binDirectories: { 15: '/nonexistent' } })
  await expect(engine.probe('full', signal)).rejects.toMatchObject({
    code: 'TOOL_MISSING',
    hint: expect.stringContaining('postgresql-client-15'),
  })
})

test('kinds that are not there yet are refused', async () => {
  await expect(engineFor(server).capture({ ...request, kind: 'incremental' }, folder.sink, signal)).rejects.toMatchObject({
    code: 'NOT_SUPPORTED',
  })
})
