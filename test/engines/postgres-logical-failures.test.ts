import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Captured } from '../../src/domain/manifest.js'
import { inspect } from '../../src/engines/postgres/inspect.js'
import type { Inventory } from '../../src/engines/postgres/inventory.js'
import { chooseDatabases } from '../../src/engines/postgres/logical/choose-databases.js'
import type { PostgresEngineOptions } from '../../src/engines/postgres/options.js'
import { startPostgres, type TestPostgres } from '../servers/postgres.js'
import { type ArtifactFolder, createArtifactFolder } from './artifact-folder.js'
import { captureLogical, restoreLogical } from './logical-bench.js'
import { createRestorePlace, engineFor, engineOptions } from './postgres-fixture.js'

const { signal } = new AbortController()
const slowly = { maxRateBytesPerSecond: 1024 * 1024 } as const
const manyTables = process.env.HOLDFAST_TEST_LONG === '1' ? 10_000 : 1_000

let server: TestPostgres
let folder: ArtifactFolder

beforeAll(async () => {
  server = await startPostgres({ major: 15, settings: { max_locks_per_transaction: '256' } })
  await server.fillSample(20_000)
  await server.sql(`create role plain login password 'plain'`)
  await server.sql(`create role reader login password 'reader'`)
  await server.sql('grant select on sample to reader')
})

afterAll(() => server?.dispose())

beforeEach(async () => {
  folder = await createArtifactFolder()
})

afterEach(() => folder.remove())

function capture(changes: Partial<PostgresEngineOptions> = {}): Promise<Captured> {
  return engineFor(server, changes).capture({ kind: 'logical', label: 'avi5 nightly' }, folder.sink, signal)
}

describe('a logical capture is lost', () => {
  test('when pg_dump is killed, and half a dump is never an artifact', async () => {
    const capturing = capture({ ...slowly, logical: { databases: ['postgres'], jobs: 1 } })
    const begun = async () => {
      while (!folder.progress.some(({ doneBytes }) => doneBytes > 0)) await delay(10)
    }
    await Promise.race([begun(), capturing.then(() => Promise.reject(new Error('the capture ended too early')))])
    const [pid] = await dumpPrograms(server.port)
    process.kill(pid ?? -1, 'SIGKILL')
    await expect(capturing).rejects.toMatchObject({
      code: 'CAPTURE_LOST',
      message: expect.stringMatching(/^pg_dump of database \w+ failed/),
    })
    expect(await dumpPrograms(server.port)).toEqual([])
  })

  test('when storing fails, which ends pg_dump', async () => {
    const full = await createArtifactFolder(async (name) => {
      if (name.endsWith('.dump')) throw new Error('no room')
    })
    const capturing = engineFor(server, slowly).capture({ kind: 'logical', label: 'avi5' }, full.sink, signal)
    await expect(capturing).rejects.toThrow('no room')
    expect(await dumpPrograms(server.port)).toEqual([])
    await full.remove()
  })

  test('when somebody holds a lock for too long, and says what to look for', async () => {
    const holder = new pg.Client({ host: server.host, port: server.port, user: server.user, password: server.password })
    await holder.connect()
    await holder.query('begin; lock table sample in access exclusive mode')
    try {
      await expect(capture({ lockWaitMs: 200, logical: { databases: ['postgres'], jobs: 1 } })).rejects.toMatchObject({
        code: 'SOURCE_UNAVAILABLE',
        hint: expect.stringContaining('pg_blocking_pids'),
      })
    } finally {
      await holder.end()
    }
  })

  test('when the role may not read a table, and says what to grant', async () => {
    await expect(capture({ user: 'plain', password: 'plain' })).rejects.toMatchObject({
      code: 'SOURCE_DENIED',
      message: expect.stringContaining('pg_dump of database postgres'),
      hint: expect.stringContaining('GRANT pg_read_all_data TO "plain"'),
    })
  })

  test('when a database lets nobody in, and says how to leave it out', async () => {
    await server.sql('create database closed connection limit 0')
    await server.sql('grant pg_read_all_data to plain')
    try {
      await expect(capture({ user: 'plain', password: 'plain' })).rejects.toMatchObject({
        code: 'SOURCE_DENIED',
        message: expect.stringContaining('"closed"'),
        hint: expect.stringContaining('kinds.logical.databases'),
      })
    } finally {
      await server.sql('drop database closed')
      await server.sql('revoke pg_read_all_data from plain')
    }
  })

  test('when a database that was named is not there, and says which are', async () => {
    await expect(capture({ logical: { databases: ['postgres', 'shop'], jobs: 1 } })).rejects.toMatchObject({
      code: 'SOURCE_UNSUITABLE',
      message: expect.stringContaining('shop'),
      hint: expect.stringContaining('there is: postgres'),
    })
  })
})

test('more databases than one backup has room for are refused before any is dumped', async () => {
  const seen = await inspect(engineOptions(server), { host: server.host, port: server.port, label: 'the server' }, signal)
  const databases = Array.from({ length: 901 }, (_, n) => ({
    ...seen.databases[0],
    oid: String(20_000 + n),
    name: `customer_${n}`,
  }))
  const many = { ...seen, databases } as Inventory
  expect(() => chooseDatabases(many, undefined)).toThrow(
    expect.objectContaining({
      code: 'SOURCE_UNSUITABLE',
      message: '901 databases are to be dumped, and one backup holds at most 900',
    }),
  )
  expect(chooseDatabases(many, ['customer_7'])).toHaveLength(1)
})

test('a role that may not read pg_authid dumps without the passwords of roles, and the manifest says so', async () => {
  const captured = await capture({ user: 'reader', password: 'reader' })
  expect(captured.notes).toEqual([expect.stringContaining('without the passwords of roles')])
  const globals = captured.artifacts.find(({ role }) => role === 'globals')
  if (globals === undefined) throw new Error('there are no globals')
  const sql = await folder.reader.read(globals, text)
  expect(sql).toContain('CREATE ROLE reader')
  expect(sql).not.toContain('PASSWORD')
})

test('a probe for logical backups needs nothing of replication, and names what the role lacks', async () => {
  const probe = await engineFor(server, { user: 'plain', password: 'plain' }).probe('logical', signal)
  expect(probe.findings.filter(({ outcome }) => outcome === 'failed')).toEqual([])
  const warned = probe.findings.filter(({ outcome }) => outcome === 'warning').map(({ subject }) => subject)
  expect(warned).toEqual(['reading privilege', 'passwords of roles'])
})

test('several connections dump into one archive of a directory, and restore from it', async () => {
  const engine = engineFor(server, { logical: { databases: ['postgres'], jobs: 2 } })
  const manifest = await captureLogical(engine, folder)
  expect(manifest.facts).toMatchObject({ dumps: 'directory' })
  expect(manifest.artifacts.find(({ role }) => role === 'dump')?.name).toMatch(/^\d+\.dump\.tar\.zst$/)
  expect(await folder.scratchFiles()).toEqual([])
  for (const only of [undefined, ['public.sample']]) {
    const copy = await restoreLogical({ engine, folder, manifest, ...(only === undefined ? {} : { only }) })
    try {
      expect(copy.running.filter(({ outcome }) => outcome === 'failed')).toEqual([])
      expect(await copy.sql('select count(*)::int as rows from sample')).toEqual([{ rows: 20_000 }])
      expect(await readdir(copy.instance.directory)).not.toContain('dump')
    } finally {
      await copy.remove()
    }
  }
  const owner = { workflowId: 'restore/avi5/beside', runId: 'run-1' }
  const scratchDirectory = await mkdtemp(join(folder.directory, 'scratch-'))
  const into = { manifest, reader: folder.reader, name: 'beside', owners: 'keep', owner, scratchDirectory } as const
  await engine.databases?.fill({ ...into, progress: () => {} }, signal)
  expect(await server.sql('select count(*)::int as rows from sample', 'beside')).toEqual([{ rows: 20_000 }])
  expect(await readdir(scratchDirectory)).toEqual([])
})

test('a dump that breaks off fails the restore and ends its server; the same instance can be filled again', async () => {
  const engine = engineFor(server)
  const manifest = await captureLogical(engine, folder)
  const dump = manifest.artifacts.find(({ role }) => role === 'dump')
  const path = join(folder.directory, dump?.name ?? '')
  const bytes = await readFile(path)
  await writeFile(path, bytes.subarray(0, Math.floor(bytes.length / 2)))
  const place = await createRestorePlace()
  try {
    const instance = await place.create(manifest, engine)
    const preparing = engine.prepare({ manifest, instance, reader: folder.reader, progress: () => {} }, signal)
    await expect(preparing).rejects.toThrow()
    expect(await place.provisioner.isRunning(instance)).toBe(false)
    await writeFile(path, bytes)
    await engine.prepare({ manifest, instance, reader: folder.reader, progress: () => {} }, signal)
  } finally {
    await place.remove()
  }
})

test('a server that an earlier attempt left is waited for before its files are taken away', async () => {
  const engine = engineFor(server)
  const manifest = await captureLogical(engine, folder)
  const place = await createRestorePlace()
  try {
    const instance = await place.create(manifest, engine)
    const prepare = () => engine.prepare({ manifest, instance, reader: folder.reader, progress: () => {} }, signal)
    await prepare()
    await place.provisioner.start(instance, signal)
    const lockFile = join(instance.dataDirectory, 'postmaster.pid')
    const pid = Number.parseInt(await readFile(lockFile, 'utf8'), 10)
    const preparing = prepare()
    await delay(500)
    expect(Number.parseInt(await readFile(lockFile, 'utf8'), 10)).toBe(pid)
    process.kill(pid, 'SIGKILL')
    await preparing
    expect(await place.provisioner.isRunning(instance)).toBe(false)
  } finally {
    await place.remove()
  }
})

test('a dump that the reader finds damaged late is begun again from another repository', async () => {
  const engine = engineFor(server)
  const manifest = await captureLogical(engine, folder)
  const begun: string[] = []
  const twice: ArtifactFolder['reader'] = {
    ...folder.reader,
    async read(artifact, consume) {
      if (artifact.role === 'dump') {
        begun.push(artifact.name)
        await folder.reader.read(artifact, consume)
      }
      return folder.reader.read(artifact, consume)
    },
  }
  const copy = await restoreLogical({ engine, folder: { ...folder, reader: twice }, manifest })
  try {
    expect(begun.length).toBeGreaterThan(0)
    expect(await copy.sql('select count(*)::int as rows from sample')).toEqual([{ rows: 20_000 }])
  } finally {
    await copy.remove()
  }
})

test(`${manyTables} tables are dumped and restored`, async () => {
  await server.sql('create database many')
  await server.sql(
    `do $$ begin for i in 1..${manyTables} loop execute format('create table t%s (id int primary key)', i); end loop; end $$`,
    'many',
  )
  const engine = engineFor(server, { logical: { databases: ['many'], jobs: 1 } })
  const copy = await restoreLogical({ engine, folder, manifest: await captureLogical(engine, folder) })
  try {
    expect(copy.running.find(({ name }) => name === 'schema of many')).toMatchObject({
      outcome: 'passed',
      message: expect.stringContaining(`${manyTables} tables`),
    })
  } finally {
    await copy.remove()
  }
}, 600_000)

/** Process ids of pg_dump talking to a server of ours. */
async function dumpPrograms(port: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return pids.filter((_, index) => {
    const command = commands[index] ?? ''
    return /^[^\0]*pg_dump\0/.test(command) && command.includes(`\0${port}\0`)
  })
}
