import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BackupReport, RestoreReport } from '../../src/domain/operations.js'
import { contentsOfInstance, contentsOfSource } from '../stand/restored.js'
import { type Stand, startStand } from '../stand/stand.js'
import { extractPid, killNow, postmasterPid, whenThere } from '../stand/trial-processes.js'
import type { WorkerProcess } from '../stand/worker-process.js'

let stand: Stand
let worker: WorkerProcess

beforeAll(async () => {
  stand = await startStand({ kinds: { full: {}, logical: { databases: ['postgres'] } } })
  await stand.postgres.fillSample(20_000)
  await stand.postgres.sql('create schema sales create table orders (id int primary key)')
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

test('an extraction that is killed takes its server along, and begins again', async () => {
  stand.proxy.limitRate(512 * 1024)
  const restoring = done('restore', 'shop', '--kind', 'logical', '--name', 'killed', '--repository', 'primary')
  const server = await whenThere(() => postmasterPid(stand, 'killed'), restoring)
  const job = await extractPid(stand, 'killed')
  if (server === undefined || job === undefined) throw new Error('the restore was over before it could be killed')
  killNow(job)
  while ((await readFile(`/proc/${server}/cmdline`, 'utf8').catch(() => '')) !== '') await sleep(20)
  stand.proxy.limitRate(undefined)
  const restored = (await restoring) as RestoreReport
  expect(await contentsOfInstance(stand, restored)).toEqual(await contentsOfSource(stand))
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
