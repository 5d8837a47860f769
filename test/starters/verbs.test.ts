import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../servers/free-port.js'
import { type CliResult, runCli } from '../stand/run-cli.js'
import { type Stand, startStand } from '../stand/stand.js'
import type { WorkerProcess } from '../stand/worker-process.js'
import { startCli } from './cli-process.js'

/*
 * One stand, one backup and one restore for all: the tests build on each other, in their order.
 */
let stand: Stand
let worker: WorkerProcess | undefined
let backup = ''

beforeAll(async () => {
  stand = await startStand({ postgresMajor: 15 })
  await stand.postgres.fillSample(1_000)
})

afterAll(async () => {
  await worker?.stop()
  await stand?.close()
})

/** The one document on standard output. */
function documentOf({ stdout }: Pick<CliResult, 'stdout'>): Record<string, unknown> {
  expect(stdout.trim().split('\n')).toHaveLength(1)
  return JSON.parse(stdout) as Record<string, unknown>
}

async function configWith(name: string, from: string | RegExp, to: string): Promise<string> {
  const text = await readFile(stand.configPath, 'utf8')
  const changed = text.replace(from, to)
  expect(changed).not.toBe(text)
  const path = join(stand.directory, `${name}.yaml`)
  await writeFile(path, changed, { mode: 0o600 })
  return path
}

describe('without a worker', () => {
  test('doctor finds everything in order but the workers, and ends with their status', async () => {
    const result = await stand.cli('doctor', '--json')
    expect(result.exitCode).toBe(10)
    const { outcome, findings } = documentOf(result) as {
      outcome: string
      findings: { subject: string; outcome: string; code: string }[]
    }
    expect(outcome).toBe('failed')
    const failed = findings.filter((finding) => finding.outcome === 'failed')
    expect(failed.map(({ subject, code }) => [subject.replace(/h[0-9a-f]{8}/, 'H'), code])).toEqual([
      ['queue holdfast', 'NO_WORKER'],
      ['queue host-H', 'NO_WORKER'],
      ['queue host-H-bulk', 'NO_WORKER'],
    ])
    expect(findings.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining([
        'key test',
        'flock',
        'repository local',
        'repository primary',
        'system shop: WAL senders',
        'instances ports',
      ]),
    )
    for (const secret of [stand.env.STAND_KEY, stand.env.STAND_S3_SECRET, stand.env.STAND_PGPASSWORD])
      expect(result.stdout).not.toContain(secret)
  })

  test('a backup waits and says for what; Temporal may go and come meanwhile; Ctrl-C leaves it running at any time', async () => {
    const first = startCli(['backup', 'shop', '--milestone', 'first', '--json'], stand.env)
    await first.says('start `holdfast worker`')
    const second = startCli(['backup', 'shop', '--milestone', 'first'], stand.env)
    await second.says('runs already; following it')
    await stand.temporal.kill()
    await Promise.all([first.says('Temporal does not answer'), second.says('Temporal does not answer')])
    first.interrupt()
    const left = await first.ended
    expect(left, left.stderr).toMatchObject({
      exitCode: 130,
      stderr: expect.stringMatching(/left; backup\/shop\/full goes on.*$/),
    })
    expect(documentOf(left)).toMatchObject({ workflowId: 'backup/shop/full', state: 'running' })
    await stand.restartTemporal()
    await second.says('Temporal answers again')
    second.interrupt()
    expect(await second.ended).toMatchObject({ exitCode: 130 })
  })

  test('an instance whose restore runs is neither stopped nor dropped', async () => {
    const connection = await Connection.connect({ address: stand.temporal.address })
    const { runId } = await new Client({ connection }).workflow.getHandle('backup/shop/full').describe()
    await connection.close()
    const directory = join(stand.directory, 'instances', 'busy')
    await mkdir(directory)
    const path = (name: string) => join(directory, name)
    const instance = {
      ...{
        version: 1,
        name: 'busy',
        state: 'RESTORING',
        system: 'shop',
        backup: 'shop_full_2026-01-10T03-00-00Z',
        engine: 'postgres',
      },
      ...{ owner: { workflowId: 'backup/shop/full', runId }, host: 'h', port: 1, directory, dataDirectory: path('data') },
      ...{ socketDirectory: path('run'), logFile: path('server.log'), tablespaces: {}, user: 'postgres', binDirectory: '/bin' },
      ...{ createdAt: '2026-01-10T03:00:00.000Z', updatedAt: '2026-01-10T03:00:00.000Z' },
    }
    await writeFile(path('instance.json'), JSON.stringify(instance))
    for (const verb of [
      ['drop', 'busy', '--yes'],
      ['stop', 'busy'],
    ]) {
      const result = await stand.cli('instances', ...verb, '--json')
      expect(result.exitCode).toBe(5)
      expect(documentOf(result)).toMatchObject({
        error: { code: 'SYSTEM_BUSY', message: expect.stringContaining('backup/shop/full') },
      })
    }
    await rm(directory, { recursive: true })
  })
})

describe('with a worker', () => {
  beforeAll(async () => {
    worker = await stand.startWorker()
  })

  test('the same backup is joined, and its report is the only output', async () => {
    const result = await stand.cli('backup', 'shop', '--milestone', 'first', '--json')
    expect(result, result.stderr).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('runs already; following it') })
    const report = documentOf(result)
    expect(report).toMatchObject({ outcome: 'complete' })
    backup = String(report.backup)
  })

  test('doctor has nothing against it', async () => {
    const result = await stand.cli('doctor', 'shop')
    expect(result, result.stdout).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/0 failures$/) })
  })

  test('doctor and show say without Temporal what they can', async () => {
    const nobody = `127.0.0.1:${await freePort()}`
    const env = { ...stand.env, TEMPORAL_ADDRESS: nobody }
    const doctor = await runCli(['doctor'], env)
    expect(doctor).toMatchObject({
      exitCode: 10,
      stdout: expect.stringContaining(`FAIL Temporal: cannot be reached at ${nobody}`),
    })
    expect(doctor.stdout).toContain('ok   repository primary')
    expect(await runCli(['show', backup], env)).toMatchObject({ exitCode: 0 })
    const started = await runCli(['backup', 'shop', '--json'], env)
    expect(started.exitCode).toBe(10)
    expect(documentOf(started)).toMatchObject({ error: { code: 'CONTROL_PLANE', hint: expect.stringContaining('holdfast dev') } })
  })

  test('ls lists the backup with its repositories', async () => {
    const text = await stand.cli('ls')
    expect(text).toMatchObject({ exitCode: 0, stderr: '' })
    expect(text.stdout).toMatch(new RegExp(`^BACKUP .*\n${backup} .* local, primary\n {4}milestone: first$`))
    const { backups, unread } = documentOf(await stand.cli('ls', 'shop', '--json'))
    expect(unread).toEqual([])
    expect(backups).toMatchObject([
      { backup, system: 'shop', kind: 'full', degraded: false, encrypted: true, milestone: 'first' },
    ])
  })

  test('show tells the manifest and each repository', async () => {
    const text = await stand.cli('show', backup)
    for (const part of ['local: committed', 'primary: committed', 'base.tar.zst.enc', 'key test', 'timeline'])
      expect(text.stdout).toContain(part)
    const { manifest, copies } = documentOf(await stand.cli('show', backup, '--json'))
    expect(manifest).toMatchObject({ backup, milestone: 'first', reason: 'asked for by hand' })
    expect(copies).toEqual([
      { repository: 'local', state: 'committed' },
      { repository: 'primary', state: 'committed' },
    ])
  })

  test('a repository that is away is a note; only when none can be read ls fails', async () => {
    const config = await configWith('no-s3', /http:\/\/127\.0\.0\.1:\d+/, `http://127.0.0.1:${await freePort()}`)
    const one = await stand.cli('ls', '--config', config)
    expect(one).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('note: primary cannot be read') })
    expect(one.stdout).toContain(backup)
    expect(one.stdout).not.toContain('DEGRADED')
    const text = await readFile(config, 'utf8')
    await writeFile(config, text.replace(`path: ${stand.directory}/local`, `path: ${stand.directory}/nowhere/local`))
    expect(await stand.cli('ls', '--config', config)).toMatchObject({ exitCode: 7, stdout: '' })
  })

  test('under a wrong key manifests are damaged, which ls shows and show fails with', async () => {
    const env = { ...stand.env, STAND_KEY: Buffer.alloc(32, 7).toString('base64') }
    const list = await runCli(['ls'], env)
    expect(list).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('DAMAGED in local') })
    const shown = await runCli(['show', backup, '--json'], env)
    expect(shown.exitCode).toBe(8)
    expect(documentOf(shown)).toMatchObject({ error: { code: 'MANIFEST_DAMAGED' } })
  })

  test('a copy with a missing artifact is shown as damaged', async () => {
    const day = backup.replace(/^.*_(\d{4})-(\d\d)-(\d\d)T.*$/, '$1/$2/$3')
    const artifact = join(stand.directory, 'local/shop/full', day, backup, 'a1/inventory.json.zst.enc')
    const bytes = await readFile(artifact)
    await rm(artifact)
    expect((await stand.cli('show', backup)).stdout).toContain('local: DAMAGED: inventory.json.zst.enc is not there')
    await writeFile(artifact, bytes, { mode: 0o600 })
  })

  test.each([
    [['backup', 'shopp'], 4, 'NOT_FOUND'],
    [['ls', 'shopp'], 4, 'NOT_FOUND'],
    [['doctor', 'shopp'], 4, 'NOT_FOUND'],
    [['show', 'shop_full_2020-01-01T00-00-00Z'], 4, 'NOT_FOUND'],
    [['restore', 'shop', '--name', 'x', '--to', 'backup:shop_full_2020-01-01T00-00-00Z'], 4, 'NOT_FOUND'],
    [['restore', 'shop', '--name', 'x', '--repository', 'nowhere'], 4, 'NOT_FOUND'],
    [['instances', 'stop', 'nobody'], 4, 'NOT_FOUND'],
    [['instances', 'drop', 'nobody', '--yes'], 4, 'NOT_FOUND'],
  ])('%j ends with %i', async (args, status, code) => {
    const result = await stand.cli(...args, '--json')
    expect(result, result.stderr).toMatchObject({ exitCode: status })
    expect(documentOf(result)).toMatchObject({ error: { code, exitStatus: status } })
  })

  test('a missing secret is named, by ls and by doctor', async () => {
    const { STAND_KEY: _, ...env } = stand.env
    expect(await runCli(['ls'], env)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('STAND_KEY is not set') })
    const doctor = await runCli(['doctor'], env)
    expect(doctor).toMatchObject({
      exitCode: 2,
      stdout: expect.stringContaining('FAIL key test: the variable STAND_KEY is not set'),
    })
  })

  test('a file that is not YAML is refused with its place', async () => {
    const path = join(stand.directory, 'bad.yaml')
    await writeFile(path, 'version: [1\n', { mode: 0o600 })
    expect(await stand.cli('ls', '-c', path)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('bad.yaml') })
  })

  test('an instance is restored, listed, stopped, and dropped', async () => {
    const restored = await stand.cli('restore', 'shop', '--name', 'copy', '--json')
    expect(restored, restored.stderr).toMatchObject({ exitCode: 0 })
    const connection = { systemUser: expect.any(String), login: { user: 'postgres', database: 'postgres' } }
    expect(documentOf(restored)).toMatchObject({ instance: 'copy', backup, connection })
    const list = async () => documentOf(await stand.cli('instances', 'ls', '--json')).instances
    expect(await list()).toMatchObject([{ name: 'copy', state: 'RUNNING', running: true, backup }])

    const again = await stand.cli('restore', 'shop', '--name', 'copy')
    expect(again).toMatchObject({
      exitCode: 5,
      stderr: expect.stringMatching(/copy is there already: RUNNING.*\n.*INSTANCE_EXISTS.*drop copy/),
    })

    expect(documentOf(await stand.cli('instances', 'stop', 'copy', '--json'))).toEqual({ instance: 'copy', stopped: true })
    expect(await list()).toMatchObject([{ name: 'copy', state: 'RUNNING', running: false }])
    expect((await stand.cli('instances', 'ls')).stdout).toMatch(/copy +not running +\d+ /)

    expect(await stand.cli('instances', 'drop', 'copy')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--yes') })
    expect(await list()).toHaveLength(1)
    expect(await stand.cli('instances', 'drop', 'copy', '--yes')).toMatchObject({ exitCode: 0 })
    expect(await stand.cli('instances', 'ls')).toMatchObject({ stdout: 'there are no instances on this host' })
    const left = join(stand.directory, 'instances', '.creating-copy.0123456789ab')
    await mkdir(left)
    const said = 'what a restore to copy left is removed'
    expect(await stand.cli('instances', 'drop', 'copy', '--yes')).toMatchObject({ exitCode: 0, stdout: said })
    expect(existsSync(left)).toBe(false)
  }, 120_000)

  test('a damaged instance.json is listed as such', async () => {
    const directory = join(stand.directory, 'instances', 'broken')
    await mkdir(directory)
    await writeFile(join(directory, 'instance.json'), '{')
    expect(await stand.cli('instances', 'ls')).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/broken +UNREADABLE/) })
  })
})
