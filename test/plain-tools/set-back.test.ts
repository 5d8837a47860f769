import { beforeAll, expect, test } from 'vitest'
import { createCatalog } from '../../src/catalog/catalog.js'
import { readWindow } from '../../src/composition/read-window.js'
import { parseRepositoryName } from '../../src/domain/ids.js'
import { formatLsn } from '../../src/domain/lsn.js'
import { planRecovery } from '../../src/domain/plan-recovery.js'
import { parseRestoreTarget } from '../../src/domain/recovery-target.js'
import { segmentName } from '../../src/domain/wal.js'
import { createFilesystemStore } from '../../src/storage/filesystem-store.js'
import { noKeys, sampleManifest } from '../catalog/sample-manifest.js'
import { putWal } from '../wal/put-wal.js'
import { emptyRepository, freshTarget, putManifest } from './crafted-backup.js'
import { type PlainMachine, plainMachine } from './plain-machine.js'

/*
 * On Friday the 9th at noon the server was set to its state of Monday the 5th, 12:05, which is segment 10.5: timeline 2. Timeline 1 is archived
 * until Friday, 9:00. On Sunday the old server was back for a while. The script and the planner have to find the same.
 */

const size = 16 * 2 ** 20
const lsn = (segments: number) => formatLsn(BigInt(Math.floor(segments * size)))
const sample = sampleManifest()
const { system } = sample
const { systemIdentifier } = sample.facts
const sunday = 'avi5_full_2026-01-04T03-00-00Z'
const wednesday = 'avi5_full_2026-01-07T03-00-00Z'
const friday = 'avi5_full_2026-01-09T13-00-00Z'
let machine: PlainMachine
let root: string
let target: string

beforeAll(async () => {
  machine = await plainMachine()
  root = await emptyRepository()
  target = await freshTarget()
  await backup('2026-01-04T03:00:00.000Z', 1, 5)
  await backup('2026-01-07T03:00:00.000Z', 1, 20)
  await backup('2026-01-09T13:00:00.000Z', 2, 11)
  const history = { kind: 'history', file: '00000002.history' } as const
  await put(history, `1\t${lsn(10.5)}\tbefore 2026-01-05 12:05:00+00\n`)
  for (let number = 5; number < 45; number++) await segment(1, number)
  for (let number = 10; number < 16; number++) await segment(2, number)
  for (const [timeline, segments, at] of [
    [1, 9, '2026-01-05T09:00'],
    [1, 10, '2026-01-05T12:00'],
    [1, 11, '2026-01-05T12:10'],
    [1, 24, '2026-01-07T12:00'],
    [1, 26, '2026-01-08T12:00'],
    [1, 30, '2026-01-09T09:00'],
    [2, 12, '2026-01-09T14:00'],
    [2, 15, '2026-01-10T12:00'],
    [1, 40, '2026-01-11T12:00'],
  ] as const) {
    await catalog().marks.put({ formatVersion: 1, system, systemIdentifier, timeline, lsn: lsn(segments), at: `${at}:00.000Z` })
  }
})

function catalog() {
  return createCatalog({ store: createFilesystemStore({ root }), keys: noKeys })
}

async function backup(at: string, timeline: number, segments: number): Promise<void> {
  const manifest = sampleManifest({ dueAt: at, stoppedAt: at })
  const facts = { ...manifest.facts, timeline, startLsn: lsn(segments), stopLsn: lsn(segments + 0.1) } as typeof manifest.facts
  await putManifest(root, { ...manifest, facts })
}

function segment(timeline: number, number: number): Promise<unknown> {
  const file = { kind: 'segment', file: segmentName({ timeline, number: BigInt(number) }, size) } as const
  return put(file, file.file)
}

function put(file: Parameters<typeof putWal>[0]['file'], text: string): Promise<unknown> {
  const place = { store: createFilesystemStore({ root }), keys: noKeys, system, systemIdentifier }
  return putWal({ ...place, file, bytes: Buffer.from(text), completedAt: new Date('2026-01-10T00:00:00Z') })
}

async function plan(when: string, timeline?: number) {
  const store = createFilesystemStore({ root })
  const { window, manifests } = await readWindow(
    { catalog: catalog(), store, keys: noKeys, system },
    new Date('2026-01-12T00:00:00Z'),
  )
  const candidates = [{ repository: parseRepositoryName('local'), distance: 0, window, manifests }]
  return planRecovery({ candidates, target: parseRestoreTarget(when), ...(timeline === undefined ? {} : { timeline }) })
}

function script(when: string, ...options: readonly string[]) {
  return machine.restore(when, '--from', root, '--target', target, ...options)
}

function lastChosen(stderr: string): string | undefined {
  return [...stderr.matchAll(/^chosen: (.*)$/gm)].at(-1)?.[1]
}

test.each([
  ['before the position it was set back to', '2026-01-05T11:00:00.000Z', sunday, 2],
  ['just behind that position, in what was given up', '2026-01-05T12:07:00.000Z', sunday, 1],
  ['a day later', '2026-01-06T12:00:00.000Z', sunday, 1],
  ['at the end of a backup that was given up', '2026-01-07T03:00:00.000Z', wednesday, 1],
  ['behind that backup', '2026-01-08T12:00:00.000Z', wednesday, 1],
  ['shortly before the last mark before it was set back', '2026-01-09T08:00:00.000Z', wednesday, 1],
  ['at the last mark before it was set back', '2026-01-09T09:00:00.000Z', wednesday, 1],
  ['at the end of the first backup of the new timeline', '2026-01-09T13:00:00.000Z', friday, 2],
  ['on the new timeline', '2026-01-10T10:00:00.000Z', friday, 2],
] as const)('a time %s is restored along the timeline that was current then', async (_, when, base, timeline) => {
  const decision = await plan(when)
  expect(decision).toMatchObject({ outcome: 'chosen', manifest: { backup: base }, recovery: { timeline } })
  const along = `timeline 2 is not known to have what was there at ${when}: it is restored along timeline 1`
  expect(decision).toMatchObject({ warnings: timeline === 2 ? [] : [expect.stringContaining(along)] })
  const { stderr } = await script(when)
  expect(stderr).toContain('error: base.tar.zst of')
  expect({ chosen: lastChosen(stderr), isAlong1: stderr.includes(along) }).toEqual({ chosen: base, isAlong1: timeline === 1 })
})

test('a time between the two is refused by both, and each of what they name can be had', async () => {
  const when = '2026-01-09T11:00:00.000Z'
  const message = expect.stringMatching(/nothing tells what was there at .*, and timeline 2, known from .*, left it before that/)
  const hint = 'restore 2026-01-09T09:00:00.000Z, or add --timeline 2 if you mean that one'
  expect(await plan(when)).toMatchObject({ outcome: 'refused', code: 'OUTSIDE_WINDOW', message, hint })
  const { exitCode, stderr } = await script(when)
  expect({ exitCode, stderr }).toEqual({ exitCode: 4, stderr: message })
  expect(stderr).toContain('add --timeline 2 if you mean that one')
  expect(await plan(when, 2)).toMatchObject({ outcome: 'chosen', manifest: { backup: sunday }, recovery: { timeline: 2 } })
  const named = await script(when, '--timeline', '2')
  expect(lastChosen(named.stderr)).toBe(sunday)
})

test('a time at which only the old server was seen again is refused by both', async () => {
  const when = '2026-01-11T12:00:00.000Z'
  expect(await plan(when)).toMatchObject({ outcome: 'refused', hint: expect.stringContaining('--timeline 1') })
  expect(await script(when)).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('nothing proves that the archive') })
})
