import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { createMarks } from '../../src/catalog/marks.js'
import { parseLsn } from '../../src/domain/lsn.js'
import { createFilesystemStore } from '../../src/storage/filesystem-store.js'
import { noKeys, sampleManifest } from '../catalog/sample-manifest.js'
import { putWal } from '../wal/put-wal.js'
import { alterManifest, emptyRepository, freshTarget, putManifest } from './crafted-backup.js'
import { type PlainMachine, plainMachine } from './plain-machine.js'

let machine: PlainMachine
let from: string
let target: string

/** Due at 3, ended at 5; due at 4, ended at 4:30: the one that was due first holds more. */
beforeAll(async () => {
  machine = await plainMachine()
  from = await emptyRepository()
  target = await freshTarget()
  await putManifest(from, sampleManifest({ dueAt: '2026-01-10T03:00:00.000Z', stoppedAt: '2026-01-10T05:00:00.000Z' }))
  await putManifest(from, sampleManifest({ dueAt: '2026-01-10T04:00:00.000Z', stoppedAt: '2026-01-10T04:30:00.000Z' }))
  await putManifest(from, sampleManifest({ kind: 'logical', dueAt: '2026-01-11T04:00:00.000Z' }))
})

describe('a time', () => {
  test.each([
    ['latest', 'avi5_full_2026-01-10T03-00-00Z'],
    ['2026-01-10T05:00:00Z', 'avi5_full_2026-01-10T03-00-00Z'],
    ['2026-01-10T05:59:59+01:00', 'avi5_full_2026-01-10T04-00-00Z'],
    ['2026-01-10T04:30:00.000Z', 'avi5_full_2026-01-10T04-00-00Z'],
  ])('%s means %s', async (when, backup) => {
    const { stderr } = await machine.restore(when, '--from', from, '--target', target)
    expect(stderr).toContain(`chosen: ${backup}\n`)
  })

  test('before the end of the first backup is answered with when that was', async () => {
    const { exitCode, stderr } = await machine.restore('2026-01-10T04:29:59Z', '--from', from, '--target', target)
    expect({ exitCode, stderr }).toEqual({
      exitCode: 4,
      stderr: expect.stringContaining('the first ended at 2026-01-10T04:30:00'),
    })
  })

  test.each(['2026-01-10T05:00:00', '2026-01-10', 'yesterday', '2026-13-10T05:00:00Z'])('%s is refused', async (when) => {
    const { exitCode, stderr } = await machine.restore(when, '--from', from, '--target', target)
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining('is not a time with a zone') })
  })
})

test('a newer backup that cannot be read stops the restore, and the time to ask for instead leads to the older one', async () => {
  const repository = await emptyRepository()
  await putManifest(repository, sampleManifest({ stoppedAt: '2026-01-10T05:00:00.000Z' }))
  const newer = await putManifest(repository, sampleManifest({ dueAt: '2026-01-11T03:00:00.000Z' }))
  await alterManifest(newer, (manifest) => ({ ...manifest, formatVersion: 2 }))
  const refused = await machine.restore('latest', '--from', repository, '--target', target)
  expect(refused).toMatchObject({ exitCode: 8, stderr: expect.stringContaining('ask for 2026-01-10T05:00:00.000Z') })
  const { stderr } = await machine.restore('2026-01-10T05:00:00.000Z', '--from', repository, '--target', target)
  expect(stderr).toContain('chosen: avi5_full_2026-01-10T03-00-00Z')
})

test('a backup on a timeline that is newer than all that is archived is restored to its own end', async () => {
  const repository = await emptyRepository()
  const sample = sampleManifest({ stoppedAt: '2026-01-10T05:00:00.000Z' })
  await putManifest(repository, { ...sample, facts: { ...sample.facts, timeline: 2 } as typeof sample.facts })
  const identifier = sample.facts.systemIdentifier
  for (const name of [
    `wal/2026/01/10/000000010000000000000002-${identifier}-56b03d58007fdc0a.zst`,
    `marks/2026/01/10/2026-01-10T04-00-00.000Z-00000001-0000000002000200-${identifier}.json`,
  ]) {
    await mkdir(dirname(join(repository, 'avi5', name)), { recursive: true })
    await writeFile(join(repository, 'avi5', name), '')
  }
  const { stderr } = await machine.restore('latest', '--from', repository, '--target', target)
  expect(stderr).toContain('no archived WAL goes on from the backup: it is restored to its own end')
  const later = await machine.restore('2026-01-10T05:30:00Z', '--from', repository, '--target', target)
  expect(later).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('nothing proves that the archive goes as far') })
})

test('a backup of an old primary that is back is left aside, unless its timeline is named', async () => {
  const repository = await emptyRepository()
  const store = createFilesystemStore({ root: repository })
  const put = async (dueAt: string, stopLsn: string) => {
    const sample = sampleManifest({ dueAt, stoppedAt: dueAt })
    const facts = { ...sample.facts, timeline: 1, startLsn: '0/2000028', stopLsn } as typeof sample.facts
    await putManifest(repository, { ...sample, facts })
    return { system: sample.system, systemIdentifier: sample.facts.systemIdentifier }
  }
  const cluster = await put('2026-01-10T03:00:00.000Z', '0/2000100')
  await put('2026-01-10T21:00:00.000Z', '0/3800000')
  const walOf = { store, keys: noKeys, ...cluster, completedAt: new Date('2026-01-10T10:00:00.000Z') }
  const history = { kind: 'history', file: '00000002.history' } as const
  await putWal({ ...walOf, file: history, bytes: Buffer.from('1\t0/3400000\tno recovery target specified\n') })
  for (const file of ['000000010000000000000002', '000000020000000000000003'])
    await putWal({ ...walOf, file: { kind: 'segment', file }, bytes: Buffer.from(file) })
  const mark = { formatVersion: 1, ...cluster, timeline: 2, lsn: parseLsn('0/3900000'), at: '2026-01-10T20:00:00.000Z' } as const
  await createMarks({ store, keys: noKeys }).put(mark)
  const latest = await machine.restore('latest', '--from', repository, '--target', target)
  expect(latest.stderr).toContain(
    'chosen: avi5_full_2026-01-10T21-00-00Z\nleft aside: avi5_full_2026-01-10T21-00-00Z is of timeline 1 and not on the way to timeline 2',
  )
  expect(latest.stderr).toContain('chosen: avi5_full_2026-01-10T03-00-00Z\n')
  expect(latest.stderr).not.toContain('no archived WAL goes on')
  const named = await machine.restore('latest', '--from', repository, '--target', target, '--timeline', '1')
  expect(named.stderr).not.toContain('left aside')
  await rm(join(repository, 'avi5/full/2026/01/10/avi5_full_2026-01-10T03-00-00Z'), { recursive: true })
  const alone = await machine.restore('latest', '--from', repository, '--target', target)
  expect(alone).toMatchObject({
    exitCode: 4,
    stderr: expect.stringContaining('no full backup is on the way to the highest timeline'),
  })
})

test.each([
  ['latest', []],
  ['latest', ['--to-backup-end']],
  ['2026-01-10T22:00:00Z', ['--to-backup-end']],
])(
  'without archived WAL, %s %j prefers the highest timeline to the newest backup, and says how to have that',
  async (when, options) => {
    const repository = await emptyRepository()
    for (const [dueAt, timeline] of [
      ['2026-01-10T03:00:00.000Z', 1],
      ['2026-01-10T12:00:00.000Z', 2],
      ['2026-01-10T21:00:00.000Z', 1],
    ] as const) {
      const sample = sampleManifest({ dueAt, stoppedAt: dueAt })
      await putManifest(repository, { ...sample, facts: { ...sample.facts, timeline } as typeof sample.facts })
    }
    const { stderr } = await machine.restore(when, '--from', repository, '--target', target, ...options)
    expect(stderr).toContain('chosen: avi5_full_2026-01-10T12-00-00Z\n')
    expect(stderr).toMatch(
      /left aside: avi5_full_2026-01-10T21-00-00Z ended later, but on timeline 1, .*--timeline 1 restores what it holds/,
    )
    const old = await machine.restore(when, '--from', repository, '--target', target, ...options, '--timeline', '1')
    expect(old.stderr).toContain('chosen: avi5_full_2026-01-10T21-00-00Z\n')
    expect(old.stderr).not.toContain('left aside')
  },
)

test('of several systems one has to be named', async () => {
  const repository = await emptyRepository()
  for (const system of ['avi5', 'shop']) await putManifest(repository, sampleManifest({ system }))
  const refused = await machine.restore('latest', '--from', repository, '--target', target)
  expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('there are several systems: avi5, shop') })
  const { stderr } = await machine.restore('latest', '--from', repository, '--target', target, '--system', 'shop')
  expect(stderr).toContain('chosen: shop_full_2026-01-10T03-00-00Z')
})

test('the list shows the full backups, and what is wrong with those that cannot be read', async () => {
  const repository = await emptyRepository()
  await putManifest(repository, sampleManifest())
  const broken = await putManifest(repository, sampleManifest({ dueAt: '2026-01-11T03:00:00.000Z' }))
  await writeFile(broken, '{')
  const { exitCode, stdout } = await machine.restore('--list', '--from', repository)
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/^2026-01-10T03:01:30.000Z +avi5_full_2026-01-10T03-00-00Z +15 +\d+ +none$/m)
  expect(stdout).toMatch(/^\? +avi5_full_2026-01-11T03-00-00Z +cannot be read: .* is not JSON$/m)
})

describe('a target', () => {
  test('that is there and not empty is refused, and stays as it is', async () => {
    const existing = await mkdtemp(join(tmpdir(), 'existing-'))
    await mkdir(join(existing, 'precious'))
    const { exitCode, stderr } = await machine.restore('latest', '--from', from, '--target', existing)
    expect({ exitCode, stderr }).toEqual({ exitCode: 5, stderr: expect.stringContaining(`${existing} is there already`) })
  })

  test('in a directory that is closed to the user of the server is refused', async () => {
    const closed = await mkdtemp(join(tmpdir(), 'closed-'))
    await chmod(closed, process.getuid?.() === 0 ? 0o700 : 0o600)
    const { exitCode, stderr } = await machine.restore('latest', '--from', from, '--target', join(closed, 'target'))
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(`cannot enter ${closed}`) })
  })

  test('without room for the databases is refused', async () => {
    const repository = await emptyRepository()
    const sample = sampleManifest()
    await putManifest(repository, { ...sample, facts: { ...sample.facts, dataBytes: 9e15 } })
    const { exitCode, stderr } = await machine.restore('latest', '--from', repository, '--target', target)
    expect({ exitCode, stderr }).toEqual({ exitCode: 9, stderr: expect.stringContaining('bytes free') })
  })

  test('whose path is too long for a socket is refused', async () => {
    const { exitCode, stderr } = await machine.restore('latest', '--from', from, '--target', `/tmp/${'long'.repeat(25)}`)
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining('too long for the path of a socket') })
  })
})
