import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { BackupReport, RestoreReport } from '../../src/domain/operations.js'
import { createS3Store } from '../../src/storage/s3-store.js'
import type { S3Proxy } from '../servers/s3-proxy.js'
import { createBucket } from '../servers/versitygw.js'
import { optionsFor } from '../servers/versitygw-options.js'
import { contentsOfInstance, contentsOfSource, dropInstance } from '../stand/restored.js'
import { type CliResult, runCli } from '../stand/run-cli.js'
import { type Stand, startStand } from '../stand/stand.js'
import { startWorkerProcess, type WorkerProcess } from '../stand/worker-process.js'
import { errorBody } from '../storage/troubled-bucket.js'
import { type BadBucket, badForBackups, badForDoctorAlone } from './bad-buckets.js'
import { changedConfig } from './changed-config.js'
import { fillWithNoise } from './noise.js'
import { expectFitForEyes } from './refusal.js'

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 })

const buckets = Object.entries({ ...badForBackups, ...badForDoctorAlone })

/** One backup meets all of them, each with its own copy. */
describe('a bucket', () => {
  let stand: Stand
  let env: Readonly<Record<string, string>>
  let worker: WorkerProcess
  let person: CliResult
  let program: CliResult
  let report: BackupReport

  beforeAll(async () => {
    stand = await startStand({})
    await fillWithNoise(stand.postgres, 24_000)
    env = await changedConfig(stand, 'bad-buckets', ({ repositories, systems }) => {
      for (const [name, { settings }] of buckets) repositories[name] = { ...repositories.primary, bucket: name, ...settings }
      systems.shop?.repositories.push(...buckets.map(([name]) => name))
    })
    for (const [name, { fault }] of buckets) {
      await createBucket(stand.s3, name)
      if (fault !== undefined) refuse(stand.proxy, name, fault)
    }
    worker = await startWorkerProcess(env, join(stand.directory, 'worker.log'))
    const both = Promise.all([runCli(['backup', 'shop'], env), runCli(['backup', 'shop', '--json'], env)])
    ;[person, program] = await both
    expect(program, program.stdout + program.stderr).toMatchObject({ exitCode: 3 })
    report = JSON.parse(program.stdout) as BackupReport
  })

  afterAll(async () => {
    await worker?.stop()
    await stand?.close()
  })

  test.each(Object.entries(badForBackups))('%s leaves its copy out, with the reason and what to do', async (name, bad) => {
    const { [name as keyof typeof report.copies]: copy } = report.copies
    expect(copy).toMatchObject({ state: 'missing', code: bad.code })
    if (copy?.state !== 'missing') return
    expect(copy.message).toMatch(bad.message)
    expect(copy.hint).toMatch(bad.hint)
    expect(copy.left).toBe(bad.removal === 'denied' ? true : undefined)
    expect(person.stdout).toContain(`  ${name}: MISSING: ${copy.message}\n    ${copy.code}; ${copy.hint}\n`)
    if (bad.removal === undefined) expect(await contentOf(name)).toEqual([])
  })

  test('that refuses costs no other copy: the backup is degraded, and restores from the capture repository', async () => {
    expect(person.exitCode).toBe(3)
    expect(person.stdout).toMatch(/^backup \S+ is degraded: /)
    expect(person.stdout).toContain('a missing copy is not sent later: mend the cause, then take another backup')
    const committed = Object.entries(report.copies).filter(([, { state }]) => state === 'committed')
    expect(committed.map(([name]) => name)).toEqual(['local', 'primary', ...Object.keys(badForDoctorAlone)])

    const restore = await runCli(['restore', 'shop', '--name', 'good', '--repository', 'local', '--json'], env)
    expect(restore, restore.stderr).toMatchObject({ exitCode: 0 })
    const restored = JSON.parse(restore.stdout) as RestoreReport
    expect(await contentsOfInstance(stand, restored)).toEqual(await contentsOfSource(stand))
    await dropInstance(stand, 'good')
  })

  test('that refuses makes nobody tell a secret or a place in the code', () => {
    for (const told of [person, program]) expectFitForEyes(told, env)
  })

  test('is found out by doctor, with the same words, before a backup needs it', async () => {
    const doctor = await runCli(['doctor', '--json'], env)
    const { findings } = JSON.parse(doctor.stdout) as { findings: Finding[] }
    expect(doctor.exitCode).toBe(7)
    for (const [name, bad] of buckets) {
      const failed = findings.filter(({ subject, outcome }) => subject === `repository ${name}` && outcome === 'failed')
      if (bad.doctor === 'blind') expect(failed, name).toEqual([])
      else expect(failed, name).toMatchObject([{ code: bad.code, hint: expect.stringMatching(bad.hint) }])
    }
    expectFitForEyes(doctor, env)
  })

  /** Looked at past the proxy. */
  async function contentOf(bucket: string): Promise<string[]> {
    const store = createS3Store(optionsFor(stand.s3, bucket))
    const found: string[] = []
    for await (const { key } of store.list('')) found.push(key)
    for await (const { key } of store.uploads.listStale('', new Date(8.64e15))) found.push(`upload of ${key}`)
    store.close()
    return found
  }
})

interface Finding {
  readonly subject: string
  readonly outcome: string
  readonly code?: string
  readonly hint?: string
}

function refuse(proxy: S3Proxy, name: string, { status, s3Code, when }: NonNullable<BadBucket['fault']>): void {
  const earlier = () => proxy.requests.filter(({ bucket }) => bucket === name)
  proxy.failAll((request) => request.bucket === name && when(request, earlier()), status, errorBody(s3Code))
}
