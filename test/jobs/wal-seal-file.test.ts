import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseWalKey } from '../../src/catalog/wal-keys.js'
import { type ObjectKey, parseSystemName } from '../../src/domain/ids.js'
import { parseLsn } from '../../src/domain/lsn.js'
import type { WalFile } from '../../src/domain/wal.js'
import { unpackWal } from '../../src/jobs/unpack-wal.js'
import { type Sealing, sealFile } from '../../src/jobs/wal/seal-file.js'
import { openSpool } from '../../src/jobs/wal/spool.js'
import { createFilesystemStore } from '../../src/storage/filesystem-store.js'
import { keyRing } from '../catalog/sample-manifest.js'
import { keysOf } from '../storage/store-reading.js'

const mib = 2 ** 20
const system = parseSystemName('shop')
const keys = keyRing('test')
const file = '000000010000000000000005'
const segment = { kind: 'segment', file } as const
const partial = { kind: 'partial', file, endLsn: parseLsn('0/5280000') } as const

let directory: string
let path: string
let sealing: Sealing

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'seal-'))
  path = join(directory, file)
  const store = createFilesystemStore({ root: join(directory, 'sealed') })
  const spool = openSpool({ directory, store, maximumBytes: 1e9 })
  await spool.make()
  sealing = { system, spool, keys, compressionLevel: 1, signal: new AbortController().signal }
})

afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

const seal = (what: WalFile, contentBytes: number, sizeBytes: number, signal = sealing.signal) =>
  sealFile({ ...sealing, signal }, { path, what, systemIdentifier: '7', contentBytes, sizeBytes })

async function contentOf(key: ObjectKey, sizeBytes: number): Promise<Buffer> {
  const identity = parseWalKey(key)?.identity
  if (identity === undefined) throw new Error(`${key} is no key of WAL`)
  const object = { ...identity, key, encrypted: true, sizeBytes: 0, storedAt: new Date() }
  const { stages, check } = unpackWal(system, object, keys, { exactlyBytes: sizeBytes })
  const plain = new PassThrough()
  const reading = pipeline([await sealing.spool.store.get(key), ...stages, plain])
  const [content] = await Promise.all([buffer(plain), reading])
  check()
  return content
}

/** What the sealing itself leaves in `sealed/`, temporaries included. */
const leftovers = async () =>
  (await readdir(join(directory, 'sealed'), { recursive: true })).filter((name) => /growing/.test(name))

test.each([
  ['a segment', segment, 16 * mib],
  ['a part of one, zero after its end, which lies within a piece', partial, 2.5 * mib],
  ['a part of less than a piece', partial, 1000],
])('what is sealed of %s is what the file holds', async (_, what, contentBytes) => {
  const bytes = randomBytes(16 * mib)
  await writeFile(path, bytes)
  const key = await seal(what, contentBytes, bytes.length)
  expect((await contentOf(key, bytes.length)).equals(bytes.fill(0, contentBytes))).toBe(true)
  expect(await seal(what, contentBytes, bytes.length)).toBe(key)
  expect(await leftovers()).toEqual([])
})

test('a file that ends early, and sealing that is stopped, leave nothing', async () => {
  await writeFile(path, randomBytes(3 * mib))
  await expect(seal(segment, 16 * mib, 16 * mib)).rejects.toMatchObject({ code: 'LOCAL_IO' })
  await truncate(path, 16 * mib)
  const stopped = new Error('stopped')
  await expect(seal(segment, 16 * mib, 16 * mib, AbortSignal.abort(stopped))).rejects.toBe(stopped)
  expect(await keysOf(sealing.spool.store, '')).toEqual([])
  expect(await leftovers()).toEqual([])
})

test('memory does not grow with the segment', async () => {
  await writeFile(path, randomBytes(96 * mib))
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  }, 1)
  await seal(segment, 96 * mib, 96 * mib).finally(() => clearInterval(watch))
  // What was used and not collected yet is in it: of both, some 200 MiB pass.
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThan(64 * mib)
})
