import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCatalog } from '../../src/catalog/catalog.js'
import { encodeMark } from '../../src/catalog/mark-codec.js'
import { markKey, walKey } from '../../src/catalog/wal-keys.js'
import { readWindow } from '../../src/composition/read-window.js'
import { parseSystemName } from '../../src/domain/ids.js'
import type { KeyRing } from '../../src/domain/keys.js'
import { parseSegmentName, segmentStart, type WalObject, walHashOf } from '../../src/domain/wal.js'
import { fetchWal, type WantedWal } from '../../src/jobs/fetch-wal.js'
import { createFilesystemStore } from '../../src/storage/filesystem-store.js'
import { noKeys } from './sample-manifest.js'

const system = parseSystemName('avi5')
const key = { id: 'golden-1', bytes: Uint8Array.from({ length: 32 }, (_, index) => index) }
const goldenKeys: KeyRing = { active: key, find: (id) => (id === key.id ? key : undefined) }
const segmentSizeBytes = 16 * 2 ** 20
const scripts = resolve('scripts/restore')
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'golden-'))
  await writeFile(join(directory, 'golden-1.key'), Buffer.from(key.bytes).toString('base64'), { mode: 0o600 })
})

afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
})

/*
 * The archived WAL of an operator's bucket: a segment and the part of one on timeline 1, the history of timeline 2, a segment and the part
 * of one on that. The files are never edited; a new version of the format adds its own.
 */
describe.each([
  ['encrypted', goldenKeys],
  ['plain', noKeys],
] as const)('the golden archive of format version 1, %s', (name, keys) => {
  const root = fileURLToPath(new URL(`../golden/v1/wal/${name}`, import.meta.url))
  const store = createFilesystemStore({ root })
  const catalog = createCatalog({ store, keys })

  test('proves the same moments', async () => {
    const { window, problems } = await readWindow({ catalog, store, keys, system }, new Date('2026-01-11T00:02:00Z'))
    expect(problems).toEqual([])
    expect(window).toMatchObject({
      earliest: { at: '2026-01-10T03:01:30.000Z', lsn: '0/2000138' },
      latest: { at: '2026-01-11T00:01:00.125Z', lsn: '0/4001000' },
      gaps: [],
      foreign: [],
      timelines: [
        { timeline: 1, current: false },
        { timeline: 2, current: true, parent: { timeline: 1, switchLsn: '0/3400000' } },
      ],
    })
    expect(window.spans.find(({ timeline }) => timeline === 2)).toMatchObject({
      pieces: [
        { timeline: 1, firstSegment: '000000010000000000000002', lastSegment: '000000010000000000000002' },
        { timeline: 2, firstSegment: '000000020000000000000003', lastSegment: '000000020000000000000004' },
      ],
      lastFile: { kind: 'partial', file: '000000020000000000000004' },
    })
  })

  test('gives every file back as PostgreSQL had it, under the key this version would choose', async () => {
    const into = join(directory, `${name}-file`)
    const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
    const fetching = {
      composition: { keys: async () => keys, repository: async () => ({ name: 'golden', store }) },
      ...{ system, delivery: { directory }, owner: user, signal: new AbortController().signal },
      onProblem: (problem: Error) => expect(problem).toBeUndefined(),
    } as unknown as Parameters<typeof fetchWal>[1]
    const kinds: string[] = []
    for await (const object of catalog.wal.list(system)) {
      const copies = [{ repository: 'golden' as never, object }]
      await fetchWal({ file: object.file, copies, into, ...segmentOf(object) }, fetching)
      const plain = await readFile(into)
      expect(walHashOf(createHash('sha256').update(plain).digest('hex'))).toBe(object.hash)
      expect(plain.length).toBe(object.kind === 'history' ? 41 : segmentSizeBytes)
      const day = new Date(`${object.key.split('/').slice(2, 5).join('-')}T12:00:00Z`)
      expect(walKey(system, object, { completedAt: day, encrypted: object.encrypted })).toBe(object.key)
      kinds.push(object.kind)
    }
    expect(kinds.toSorted()).toEqual(['history', 'partial', 'partial', 'segment', 'segment'])
  })

  test('has marks that are read, and written byte for byte the same', async () => {
    let marks = 0
    for await (const facts of catalog.marks.list(system)) {
      const mark = await catalog.marks.read(system, facts)
      expect(Buffer.from(encodeMark(mark, keys)).toString()).toBe(await readFile(join(root, markKey(mark)), 'utf8'))
      marks += 1
    }
    expect(marks).toBe(3)
  })

  test('is planned and opened by the programs of restore_db.sh', async () => {
    const keyFiles = keys.active === undefined ? [] : [join(directory, 'golden-1.key')]
    const python = async (program: string, args: readonly string[], input = '') =>
      (await execa(resolve('.tools/python/bin/python3'), ['-B', join(scripts, program), ...args, ...keyFiles], { input })).stdout
    const place = (what: string) => join(directory, `${name}-${what}`)
    const [facts, listing, opened] = [place('facts'), place('listing'), place('opened')]
    const backup = join(root, 'avi5/full/2026/01/10/avi5_full_2026-01-10T03-00-00Z')
    await writeFile(facts, await python('open_backup.py', ['--check', backup]))
    const listed: string[] = []
    for await (const object of store.list('avi5/')) listed.push(`${object.key}\n`)
    await writeFile(listing, listed.join(''))
    const plan = await python('plan_wal.py', ['plan', facts, listing, '2026-01-10T23:00:00Z', '-', root])
    const files = plan.split('\n').filter((line) => line.startsWith('file\t'))
    expect(files.map((line) => line.split('\t')[1])).toEqual([
      '000000010000000000000002',
      '000000020000000000000003',
      '000000020000000000000004',
      '00000002.history',
    ])
    await mkdir(opened)
    await python('open_wal.py', ['avi5', String(segmentSizeBytes), root, opened], plan)
    expect((await readdir(opened)).length).toBe(files.length)
    expect(await readFile(join(opened, '00000002.history'), 'utf8')).toBe('1\t0/3400000\tno recovery target specified\n')
  })
})

/** What its first page has to say. */
function segmentOf({ kind, file, systemIdentifier }: WalObject): Pick<WantedWal, 'segment'> {
  if (kind === 'history') return {}
  const { timeline, number } = parseSegmentName(file, segmentSizeBytes)
  return {
    segment: { file, timeline, startLsn: segmentStart(number, segmentSizeBytes), systemIdentifier, segmentSizeBytes },
  }
}
