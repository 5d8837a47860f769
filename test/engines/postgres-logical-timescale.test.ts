import { copyFile, cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runProgram } from '../../src/process/run-program.js'
import { postgresPrograms, startPostgres, type TestPostgres } from '../servers/postgres.js'
import { type ArtifactFolder, createArtifactFolder } from './artifact-folder.js'
import { captureLogical, restoreLogical } from './logical-bench.js'
import { engineFor } from './postgres-fixture.js'

const { signal } = new AbortController()

let directory: string
let programs: string
let server: TestPostgres
let folder: ArtifactFolder

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pg15-'))
  await runProgram({ program: 'chmod', args: ['0755', directory] }, {})
  programs = await copyInstallation(directory)
  await addStandIn(programs, 'timescaledb', timescale)
  await addStandIn(programs, 'pg_cron', cron)
  await addLibrary(programs, 'only_there')
  const settings = { shared_preload_libraries: 'only_there, timescaledb, pg_cron', 'cron.database_name': 'jobs' }
  server = await startPostgres({ major: 15, programs, settings })
  folder = await createArtifactFolder()
})

afterAll(async () => {
  await server?.dispose()
  await folder?.remove()
  await rm(directory, { recursive: true, force: true })
})

test('a stand-in for TimescaleDB, which cannot be had here, is loaded and told of the restore before tables come and after', async () => {
  await server.sql('create extension timescaledb')
  await server.fillSample(100)
  const engine = engineFor(server, { binDirectories: { 15: programs } })
  const manifest = await captureLogical(engine, folder)
  const copy = await restoreLogical({ engine, folder, manifest })
  try {
    expect(await copy.sql('select what, sample from told order by what desc')).toEqual([
      { what: 'pre', sample: null },
      { what: 'post', sample: 'sample' },
    ])
    expect(await copy.sql('show shared_preload_libraries')).toEqual([
      { shared_preload_libraries: 'only_there, timescaledb, pg_cron' },
    ])
    expect(await copy.sql('select count(*)::int as rows from sample')).toEqual([{ rows: 100 }])
  } finally {
    await copy.remove()
  }
  const { databases } = engine
  const owner = { workflowId: 'restore/avi5/again', runId: 'run-1' }
  const request = { manifest, reader: folder.reader, name: 'again', owners: 'keep', owner } as const
  const scratchDirectory = await mkdtemp(join(directory, 'scratch-'))
  await databases?.fill({ ...request, scratchDirectory, progress: () => {} }, signal)
  expect(await server.sql('select what, sample from told order by what desc', 'again')).toEqual([
    { what: 'pre', sample: null },
    { what: 'post', sample: 'sample' },
  ])
  const part = engine.checkSelection({ manifest, reader: folder.reader, only: ['public.sample'] })
  await expect(part).rejects.toMatchObject({ code: 'NOT_SUPPORTED', message: expect.stringContaining('as a whole') })
})

test('what the original loads at its start is loaded where this host has it, and told of where it has not', async () => {
  await server.sql('create database jobs')
  await server.sql('create extension pg_cron', 'jobs')
  const engine = engineFor(server, { binDirectories: { 15: programs }, logical: { databases: ['jobs'], jobs: 1 } })
  const manifest = await captureLogical(engine, folder)
  await rm(libraryFile(await configured(programs, '--pkglibdir'), 'only_there'))
  const copy = await restoreLogical({ engine, folder, manifest })
  try {
    expect(await copy.sql('select extname from pg_extension where oid > 16383', 'jobs')).toEqual([{ extname: 'pg_cron' }])
    expect(copy.before.find(({ name }) => name === 'statements')).toMatchObject({
      outcome: 'not-run',
      message: expect.stringContaining('the library only_there'),
    })
    expect(copy.running.filter(({ outcome }) => outcome === 'failed')).toEqual([])
  } finally {
    await copy.remove()
  }
})

/** Below a directory, under the old paths: PostgreSQL finds its files relative to its programs. @returns those */
async function copyInstallation(root: string): Promise<string> {
  const bin = postgresPrograms(15)
  for (const path of [dirname(bin), await configured(bin, '--sharedir')]) {
    await cp(path, join(root, path), { recursive: true, dereference: true })
  }
  return join(root, bin)
}

/** An extension of the same name, with functions of the same names, and a library that does nothing when it is preloaded. */
async function addStandIn(bin: string, name: string, script: string): Promise<void> {
  const extension = join(await configured(bin, '--sharedir'), 'extension')
  await writeFile(join(extension, `${name}.control`), `default_version = '1.0'\nrelocatable = true\n`)
  await writeFile(join(extension, `${name}--1.0.sql`), script)
  await addLibrary(bin, name)
}

async function addLibrary(bin: string, name: string): Promise<void> {
  const libraries = await configured(bin, '--pkglibdir')
  await copyFile(libraryFile(libraries, 'dict_snowball'), libraryFile(libraries, name))
}

function libraryFile(libraries: string, name: string): string {
  return join(libraries, `${name}.so`)
}

async function configured(bin: string, what: string): Promise<string> {
  const { stdout } = await runProgram({ program: join(bin, 'pg_config'), args: [what] }, {})
  return stdout.trim()
}

const timescale = `
create function timescaledb_pre_restore() returns void language plpgsql as $$ begin
  create table told as select 'pre' as what, to_regclass('sample')::text as sample;
end $$;
create function timescaledb_post_restore() returns void language plpgsql as $$ begin
  insert into told select 'post', to_regclass('sample')::text;
end $$;
`

/** As pg_cron does: it is made only where its library was loaded at the start, and in one database alone. */
const cron = `
do $$ begin
  if current_setting('shared_preload_libraries') !~ 'pg_cron' then raise 'pg_cron can only be loaded via shared_preload_libraries'; end if;
  if current_setting('cron.database_name') <> current_database() then raise 'can only create extension in another database'; end if;
end $$;
`
