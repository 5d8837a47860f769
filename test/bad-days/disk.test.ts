import { mkdir, readdir, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { BackupReport } from '../../src/domain/operations.js'
import { mayMount, mountReadOnly, mountSmall } from '../stand/mounts.js'
import { leftSince, remainsOf } from '../stand/remains.js'
import { runCli } from '../stand/run-cli.js'
import { type Stand, startStand } from '../stand/stand.js'
import { changedConfig } from './changed-config.js'
import { fillWithNoise } from './noise.js'
import { expectRefusal, type Refusal } from './refusal.js'
import { withWorker } from './with-worker.js'

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const canMount = await mayMount()
const why = canMount ? '' : ' (not shown here: this user may not mount)'

describe('the disk of the capture repository', () => {
  let stand: Stand
  let local: string

  beforeAll(async () => {
    stand = await startStand({})
    local = join(stand.directory, 'local')
    await fillWithNoise(stand.postgres, 60_000)
  })

  afterAll(() => stand?.close())

  /** With nothing of the attempt left anywhere, and production with nothing to do for it any more. */
  const expectRefusedBackup = (refusal: Refusal) =>
    withWorker(stand, stand.env, async () => {
      const before = await remainsOf(stand)
      const said = await expectRefusal(stand.env, ['backup', 'shop'], refusal)
      expect(await leftSince(stand, before)).toEqual([])
      return said
    })

  const full: Refusal = { code: 'SPACE_SHORT', message: /No space left on device|ENOSPC/, hint: /free space.*`df -i`/ }

  test(`that is full in the middle fails the backup and leaves nothing of it; the next one works when there is room${why}`, async () => {
    if (!canMount) return
    const unmount = await mountSmall(local, 'size=48m')
    const said = await expectRefusedBackup(full).finally(unmount)
    expect(said).toContain('capture: failed')
    const next = await withWorker(stand, stand.env, () => stand.cli('backup', 'shop', '--json'))
    expect(next, next.stderr).toMatchObject({ exitCode: 0 })
    expect(JSON.parse(next.stdout)).toMatchObject({ outcome: 'complete', attempts: 1 })
  })

  test(`that holds the state of the jobs as well fails the backup with the reason, and is filled once${why}`, async () => {
    if (!canMount) return
    const unmount = await mountSmall(local, 'size=48m')
    await mkdir(join(local, '.state'), { mode: 0o700 })
    await rm(stand.stateDirectory, { recursive: true })
    await symlink(join(local, '.state'), stand.stateDirectory)
    try {
      expect(await expectRefusedBackup(full)).not.toContain('attempt 1 lost')
    } finally {
      await unmount()
      await rm(stand.stateDirectory)
      await mkdir(stand.stateDirectory, { mode: 0o700 })
    }
  })

  test(`without inodes fails the backup, and says where to look for them${why}`, async () => {
    if (!canMount) return
    const unmount = await mountSmall(local, 'nr_inodes=16')
    await expectRefusedBackup(full).finally(unmount)
  })

  test('that is not mounted fails the backup, and no directory is made in its place', async () => {
    const away = `${local}.away`
    await rename(local, away)
    try {
      const refusal = { code: 'STORE_MISSING', message: /local" does not exist/, hint: /mount it; .*`holdfast doctor`/ } as const
      await withWorker(stand, stand.env, () => expectRefusal(stand.env, ['backup', 'shop'], refusal))
      expect(await readdir(stand.directory)).not.toContain('local')
    } finally {
      await rename(away, local)
    }
  })

  test(`that is read-only fails the backup before the source is read${why}`, async () => {
    if (!canMount) return
    const writable = await mountReadOnly(local)
    const said = await expectRefusedBackup({
      code: 'STORE_DENIED',
      message: new RegExp(`${local}.*read-only file system`),
      hint: /mounted read-only; mount it for writing/,
    }).finally(writable)
    expect(said).not.toContain('capture: ')
  })

  test(`of another repository, read-only, leaves its copy out with the reason${why}`, async () => {
    if (!canMount) return
    const second = join(stand.directory, 'second')
    await mkdir(second)
    const writable = await mountReadOnly(second)
    const env = await changedConfig(stand, 'second', ({ repositories, systems }) => {
      repositories.second = { store: 'filesystem', path: second }
      systems.shop?.repositories.push('second')
    })
    const backup = await withWorker(stand, env, () => runCli(['backup', 'shop', '--json'], env)).finally(writable)
    expect(backup, backup.stderr).toMatchObject({ exitCode: 3 })
    const { copies } = JSON.parse(backup.stdout) as BackupReport
    expect(copies).toMatchObject({
      local: { state: 'committed' },
      primary: { state: 'committed' },
      second: {
        state: 'missing',
        code: 'STORE_DENIED',
        message: expect.stringContaining('read-only file system'),
        hint: expect.stringContaining('mount it for writing'),
      },
    })
  })
})
