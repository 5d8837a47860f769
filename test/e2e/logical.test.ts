import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BackupReport, RestoreReport } from '../../src/domain/operations.js'
import { killForGood, processesNaming } from '../stand/process-table.js'
import { contentsOfInstance, contentsOfSource } from '../stand/restored.js'
import { type Stand, startStand } from '../stand/stand.js'
import { extractPid, whenThere } from '../stand/trial-processes.js'
import type { WorkerProcess } from '../stand/worker-process.js'

let stand: Stand
let worker: WorkerProcess

beforeAll(async () => {
  stand = await startStand({ kinds: { full: {}, logical: { databases: ['postgres'] } } })
  await stand.postgres.fillSample(20_000)
  await stand.postgres.sql('create schema sales create table orders (id int primary key)')
  await addSlowIndex()
  worker = await stand.startWorker()
})

afterAll(async () => {
  await worker?.stop()
  await stand?.close()
})

/** Backup of the first test, which the others restore. */
let backup: string

async function done(...args: readonly string[]): Promise<unknown> {
  const result = await stand.cli(...args, '--json')
  expect(result, result.stderr).toMatchObject({ exitCode: 0 })
  return JSON.parse(result.stdout)
}

test('a logical backup goes to both repositories, and from the bucket into a new server of another major version', async () => {
  const report = (await done('backup', 'shop', '--kind', 'logical')) as BackupReport
  expect(report).toMatchObject({
    backup: expect.stringMatching(/^shop_logical_/),
    outcome: 'complete',
    copies: { local: { state: 'committed' }, primary: { state: 'committed' } },
  })
  backup = report.backup
  const restored = (await done(
    ...['restore', 'shop', '--kind', 'logical', '--name', 'copy', '--server-version', '18', '--repository', 'primary'],
  )) as RestoreReport
  expect(restored).toMatchObject({ instance: 'copy', backup: report.backup, repositories: ['primary'], timeline: 1 })
  expect(restored.checks.filter(({ outcome }) => outcome === 'failed')).toEqual([])
  expect(await contentsOfInstance(stand, restored)).toEqual(await contentsOfSource(stand))
  const shown = await stand.cli('show', report.backup)
  expect(shown.stdout).toMatch(/kind +logical.*\n[\s\S]*dumps +by pg_dump/)
})

test('a table comes from the bucket where the dump in the directory is damaged, which is named', async () => {
  const dump = await damageDump()
  const restored = (await done('restore', 'shop', '--name', 'part', '--only', 'public.sample')) as RestoreReport
  expect(restored).toMatchObject({
    backup,
    problems: expect.arrayContaining([expect.stringMatching(`^${dump} in repository local is damaged`)]),
  })
  expect(await contentsOfInstance(stand, restored)).toEqual(await contentsOfSource(stand))

  const failed = await stand.cli('restore', 'shop', '--kind', 'logical', '--name', 'broken', '--repository', 'local')
  expect(failed).toMatchObject({ exitCode: 8, stderr: expect.stringContaining(`${dump} in repository local is damaged`) })
  expect((await stand.cli('instances', 'ls', '--json')).stdout).not.toContain('broken')
})

test('an extraction that is killed takes its server along, also what is at work on an index, and begins again', async () => {
  await writeFile(slowness(), '')
  const restoring = done('restore', 'shop', '--kind', 'logical', '--name', 'killed', '--repository', 'primary')
  const indexing = await whenThere(indexingProcess, restoring)
  const job = extractPid(stand, 'killed')
  if (indexing === undefined || job === undefined) throw new Error('the restore was over before it could be killed')
  const before = await processorTicks(indexing)
  while ((await processorTicks(indexing)) < before + 20) await sleep(20)
  await killForGood(job)
  await rm(slowness())
  const restored = (await restoring) as RestoreReport
  expect(await contentsOfInstance(stand, restored)).toEqual(await contentsOfSource(stand))
  expect(await indexingProcess()).toBeUndefined()
})

test('a table that is not in the backup is refused with the name of a near one', async () => {
  const failed = await stand.cli('restore', 'shop', '--name', 'none', '--only', 'public.smaple')
  expect(failed).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('did you mean public.sample?') })
})

test('a full backup is what a restore takes unless told otherwise', async () => {
  const failed = await stand.cli('restore', 'shop', '--name', 'none')
  expect(failed).toMatchObject({
    exitCode: 4,
    stderr: expect.stringContaining(`there is no full backup to restore; there is ${backup}`),
  })
})

test('doctor looks at what both kinds of backups need', async () => {
  const { stdout } = await stand.cli('doctor', 'shop')
  for (const subject of ['replication privilege', 'reading privilege', 'passwords of roles']) expect(stdout).toContain(subject)
})

/** While this file is there, the index `slow` takes two minutes to build. */
const slowness = () => join(stand.directory, 'slowness')

/** It computes: what sleeps notices at once that its server is gone. */
async function addSlowIndex(): Promise<void> {
  await stand.postgres.sql(`create function sales.slowly(id int) returns int immutable language plpgsql as $$ begin
    if (pg_stat_file('${slowness()}', true)).size is not null then
      while clock_timestamp() < statement_timestamp() + interval '2 minutes' loop end loop;
    end if;
    return id;
  end $$`)
  await stand.postgres.sql('insert into sales.orders values (1)')
  await stand.postgres.sql('create index slow on sales.orders (sales.slowly(id))')
}

/** The process of a restored server that builds an index, wherever its files are by now. */
async function indexingProcess(): Promise<number | undefined> {
  const seen = processesNaming(join(stand.directory, 'instances'))
  const own = seen.filter(({ args }) => args.some((argument) => argument.includes('CREATE INDEX')))
  return own[0]?.pid
}

/** What it has used of the processor, in hundredths of a second. */
async function processorTicks(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[11])
}

/** Flips a byte in the middle. @returns the artifact's name */
async function damageDump(): Promise<string> {
  const directory = join(stand.directory, 'local')
  const files = await readdir(directory, { recursive: true })
  const file = files.find((path) => path.endsWith('.dump.zst.enc')) ?? ''
  const bytes = await readFile(join(directory, file))
  const middle = Math.floor(bytes.length / 2)
  bytes[middle] = (bytes[middle] ?? 0) ^ 1
  await chmod(join(directory, file), 0o600)
  await writeFile(join(directory, file), bytes)
  return basename(file)
}
