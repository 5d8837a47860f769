import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { BackupReport, RestoreReport } from '../../src/domain/operations.js'
import type { HeldRequest } from '../servers/s3-proxy.js'
import { expectWholeOrNothing } from '../stand/backup-outcome.js'
import { mayMount, mountReadOnly } from '../stand/mounts.js'
import { connectOperations, type Operations } from '../stand/operations.js'
import { leftSince, remainsOf } from '../stand/remains.js'
import { contentsOfInstance, contentsOfSource, dropInstance } from '../stand/restored.js'
import { type Stand, startStand } from '../stand/stand.js'
import type { WorkerProcess } from '../stand/worker-process.js'

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const canMount = await mayMount()

describe('a repository that is down from beginning to end', () => {
  let stand: Stand
  let operations: Operations
  let worker: WorkerProcess
  let before: readonly string[]

  beforeAll(async () => {
    stand = await startStand({ timeouts: { heartbeat: '2s', light: '2s', replicationDeadline: '15s' } })
    await stand.postgres.fillSample(20_000)
    worker = await stand.startWorker()
    operations = await connectOperations(stand.temporal.address)
  })

  beforeEach(async () => {
    before = await remainsOf(stand)
  })

  afterEach(() => stand.proxy.resume())

  afterAll(async () => {
    await operations?.close()
    await worker?.stop()
    await stand?.close()
  })

  test('leaves the backup committed in the other, degraded, with exit status 3, and it restores', async () => {
    await stand.proxy.pause()
    const backup = await stand.cli('backup', 'shop', '--json')
    expect(backup, backup.stderr).toMatchObject({ exitCode: 3 })
    const report = JSON.parse(backup.stdout) as BackupReport
    expect(report).toMatchObject({
      outcome: 'degraded',
      copies: {
        local: { state: 'committed' },
        primary: { state: 'missing', code: expect.stringMatching(/^(STORE_UNAVAILABLE|TIMED_OUT)$/) },
      },
    })
    expect(backup.stderr).toContain('primary')

    const restore = await stand.cli('restore', 'shop', '--name', 'from_local', '--json')
    expect(restore, restore.stderr).toMatchObject({ exitCode: 0 })
    const restored = JSON.parse(restore.stdout) as RestoreReport
    expect(restored).toMatchObject({ backup: report.backup, repositories: ['local'] })
    expect(restored.problems.join('\n')).toMatch(/^primary: .*STORE_UNAVAILABLE/m)
    expect(await contentsOfInstance(stand, restored)).toEqual(await contentsOfSource(stand))
    await dropInstance(stand, 'from_local')
    await expectWholeOrNothing(stand, before, [{ outcome: 'done', report }])
  })

  test('is used again by the next backup when it is back', async () => {
    const ending = await (await operations.backup()).ending
    expect(ending).toMatchObject({ outcome: 'done', report: { outcome: 'complete' } })
    await expectWholeOrNothing(stand, before, [ending])
  })

  test('keeps nobody from restoring from the other when it accepts connections and stays silent', async () => {
    const [over, held]: [AbortController, HeldRequest[]] = [new AbortController(), []]
    const hold = () => stand.proxy.hold(() => true, 'before', over.signal).then((request) => held.push(request))
    for (let requests = 0; requests < 100; requests += 1) void hold()
    const restore = await stand.cli('restore', 'shop', '--name', 'silent', '--json')
    over.abort()
    for (const { release } of held) release()
    expect(restore, restore.stderr).toMatchObject({ exitCode: 0 })
    const restored = JSON.parse(restore.stdout) as RestoreReport
    expect(restored).toMatchObject({ repositories: ['local'] })
    expect(restored.problems).toContainEqual(expect.stringMatching(/^primary: did not answer within \d+ s \(STORE_UNAVAILABLE\)/))
    await dropInstance(stand, 'silent')
  })

  test('fails the backup when it is the capture repository, and leaves nothing in the other', async () => {
    const ending = await whileAway(async () => (await operations.backup()).ending)
    expect(ending).toMatchObject({ outcome: 'failed', code: 'STORE_MISSING' })
    if (ending.outcome === 'failed') expect(ending.message).toContain(join(stand.directory, 'local'))
    await expectWholeOrNothing(stand, before, [ending])
  })

  test('fails the backup when the capture repository goes away under it, and leaves nothing elsewhere', async () => {
    const backup = await operations.backup()
    expect(await backup.reaches('capture', 'running')).toBe(true)
    const [ending, left] = await whileAway(async () => {
      const end = await backup.ending
      return [end, await leftSince(stand, before)]
    })
    expect(ending).toMatchObject({ outcome: 'failed', code: 'STORE_MISSING' })
    expect(left).toEqual([])
    // What was in the repository when it went away could not be removed.
    for (const line of await leftSince(stand, before, 0)) {
      expect(line).toMatch(/^local /)
      await rm(join(stand.directory, line.replace(/^local /, 'local/')), { recursive: true, force: true })
    }
  })

  const readOnly = 'fails the backup when the capture repository is read-only, and leaves nothing'
  test(canMount ? readOnly : `${readOnly} (not shown here: this user may not mount)`, async () => {
    if (!canMount) return
    const writable = await mountReadOnly(join(stand.directory, 'local'))
    const ending = await operations
      .backup()
      .then((backup) => backup.ending)
      .finally(writable)
    expect(ending).toMatchObject({ outcome: 'failed' })
    if (ending.outcome === 'failed') expect(ending.message).toMatch(/read-only|EROFS/i)
    await expectWholeOrNothing(stand, before, [ending])
  })

  async function whileAway<T>(work: () => Promise<T>): Promise<T> {
    const [local, elsewhere] = [join(stand.directory, 'local'), join(stand.directory, 'unplugged')]
    await rename(local, elsewhere)
    try {
      return await work()
    } finally {
      await rename(elsewhere, local)
    }
  }
})
