import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Instance } from '../../src/domain/instance.js'
import type { Manifest } from '../../src/domain/manifest.js'
import type { CheckStage } from '../../src/domain/operations.js'
import type { Engine } from '../../src/engines/engine.js'
import { runProgram } from '../../src/process/run-program.js'
import { serverUser, startPostgres, type TestPostgres } from '../servers/postgres.js'
import { type ArtifactFolder, createArtifactFolder } from './artifact-folder.js'
import { createRestorePlace, engineFor, manifestOf, type RestorePlace } from './postgres-fixture.js'

const { signal } = new AbortController()

let server: TestPostgres
let engine: Engine
let folder: ArtifactFolder
let manifest: Manifest
let place: RestorePlace
let instance: Instance

beforeAll(async () => {
  server = await startPostgres({ major: 15, settings: { max_connections: '55' } })
  engine = engineFor(server)
  await includeForeignFile(server)
  await server.fillSample(1_000)
  folder = await createArtifactFolder()
  manifest = manifestOf(await engine.capture({ kind: 'full', label: 'avi5' }, folder.sink, signal))
  // From here on it is another machine: the included file is not there.
  await server.dispose()
})

afterAll(() => folder?.remove())

beforeEach(async () => {
  place = await createRestorePlace()
  instance = await place.create(manifest, engine)
  await engine.prepare({ manifest, instance, reader: folder.reader, progress: () => {} }, signal)
})

afterEach(() => place.remove())

/** Names and messages of the checks that failed. */
async function failures(stage: CheckStage): Promise<string[]> {
  const results = await engine.check({ manifest, instance, reader: folder.reader, stage }, signal)
  return results.filter(({ outcome }) => outcome === 'failed').map(({ name, message }) => `${name}: ${message}`)
}

async function includeForeignFile({ directory, dataDirectory, sql, stop, start }: TestPostgres): Promise<void> {
  const extra = join(directory, 'extra.conf')
  await writeFile(extra, "work_mem = '7MB'\n")
  await runProgram(
    { program: 'sh', args: ['-c', `echo "include = '${extra}'" >> "$0"`, join(dataDirectory, 'postgresql.conf')] },
    {},
  )
  await stop()
  await start()
  expect(await sql('show work_mem')).toEqual([{ work_mem: '7MB' }])
}

test('a postgresql.conf that includes files of the original machine is replaced by its settings', async () => {
  expect(await failures('beforeStart')).toEqual([])
  const outside = join(instance.directory, 'configuration/outside', server.directory, 'extra.conf')
  expect(await readFile(outside, 'utf8')).toContain('7MB')
  await place.provisioner.start(instance, signal)
  await engine.recover({ instance, manifest, progress: () => {} }, signal)
  expect(await failures('running')).toEqual([])
  const settings = ['work_mem', 'max_connections', 'archive_mode', 'restore_command'].map(
    (name) => `current_setting('${name}') as ${name}`,
  )
  const args = [
    '-h',
    instance.socketDirectory,
    '-p',
    String(instance.port),
    '-U',
    'postgres',
    '-XAt',
    '-c',
    `select ${settings.join(', ')}`,
  ]
  const { stdout } = await runProgram({ program: 'psql', args, runAs: await serverUser() }, {})
  // restore_command is reset in the file; the server that runs has read it before.
  expect(stdout.trim()).toBe('7MB|55|off|/bin/false')
})

test('a flipped bit is found before the start, in the file it is in', async () => {
  const path = join(instance.dataDirectory, 'base/1/1259')
  const bytes = await readFile(path)
  bytes[5000] = (bytes[5000] ?? 0) ^ 4
  await writeFile(path, bytes)
  expect(await failures('beforeStart')).toEqual([expect.stringMatching(/^files: .*base\/1\/1259/)])
})

test('missing WAL is found before the start, and the server that is started all the same fails with its log', async () => {
  const directory = join(instance.dataDirectory, 'pg_wal')
  for (const name of await readdir(directory)) if (/^[0-9A-F]{24}$/.test(name)) await rm(join(directory, name))
  expect(await failures('beforeStart')).toEqual([expect.stringMatching(/^WAL: .*pg_waldump/)])
  const started = place.provisioner
    .start(instance, signal)
    .then(() => engine.recover({ instance, manifest, progress: () => {} }, signal))
  await expect(started).rejects.toMatchObject({ code: 'RECOVERY_FAILED', message: expect.stringContaining('FATAL') })
})

test('a server that is not there any more is noticed at once', async () => {
  await expect(engine.recover({ instance, manifest, progress: () => {} }, signal)).rejects.toMatchObject({
    code: 'RECOVERY_FAILED',
  })
})

test('a server that is away is no damage: its check can be tried again', async () => {
  const checked = engine.check({ manifest, instance, reader: folder.reader, stage: 'running' }, signal)
  await expect(checked).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE', retryable: true })
})
