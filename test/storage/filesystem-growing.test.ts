import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { link, lstat, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ObjectKey } from '../../src/domain/ids.js'
import { createFilesystemStore } from '../../src/storage/filesystem-store.js'
import { codeOf, collect, keysOf, readAll } from './store-reading.js'

let root: string
let store: ReturnType<typeof createFilesystemStore>
const key = (text: string) => text as ObjectKey

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-growing-'))
  store = createFilesystemStore({ root })
})
afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

it('shows an object only when it is committed, whole', async () => {
  const bytes = randomBytes(5_000_001)
  const object = await store.growing.create(key('a/b'))
  await pipeline(Readable.from([bytes.subarray(0, 3_000_000), bytes.subarray(3_000_000)]), object.writable)
  expect(await store.head(key('a/b'))).toBeUndefined()
  expect(await collect(store.list(''))).toEqual([])
  expect(await store.growing.openWhole(key('a/b'))).toBeUndefined()
  expect(await object.commit()).toMatchObject({ key: 'a/b', sizeBytes: bytes.length })
  expect((await readAll(store, 'a/b')).equals(bytes)).toBe(true)
  expect(await readdir(join(root, 'a'))).toEqual(['b'])
  expect(((await lstat(join(root, 'a/b'))).mode & 0o777).toString(8)).toBe('600')
})

it('ends the stream itself when it is committed', async () => {
  const object = await store.growing.create(key('a/b'))
  object.writable.write('all of it')
  await object.commit()
  expect(`${await readAll(store, 'a/b')}`).toBe('all of it')
})

it('lets a follower read every byte across the commit', async () => {
  const bytes = randomBytes(4_000_000)
  const object = await store.growing.create(key('a/b'))
  const follower = await store.growing.open(key('a/b'))
  if (!follower) throw new Error('the growing object was not found')
  let committed = false
  const following = (async () => {
    const read = Buffer.alloc(bytes.length + 65_536)
    let position = 0
    for (;;) {
      const wasCommitted = committed
      const { bytesRead } = await follower.read(read, position, 65_536, position)
      position += bytesRead
      if (bytesRead === 0 && wasCommitted) return read.subarray(0, position)
      if (bytesRead === 0) await sleep(1)
    }
  })()
  for (let start = 0; start < bytes.length; start += 100_000) {
    object.writable.write(bytes.subarray(start, start + 100_000))
    await sleep(1)
  }
  await object.commit()
  committed = true
  expect((await following).equals(bytes)).toBe(true)
  await follower.close()
})

it('opens what is there: nothing, the growing object, the final one', async () => {
  expect(await store.growing.open(key('a/b'))).toBeUndefined()
  const object = await store.growing.create(key('a/b'))
  const growing = await store.growing.open(key('a/b'))
  await object.commit()
  const final = await store.growing.open(key('a/b'))
  expect((await growing?.stat())?.ino).toBe((await final?.stat())?.ino)
  await growing?.close()
  await final?.close()
})

it('begins from nothing when an earlier try left something', async () => {
  const first = await store.growing.create(key('a/b'))
  first.writable.end('a long first try')
  await first.writable[Symbol.asyncDispose]?.()
  const second = await store.growing.create(key('a/b'))
  second.writable.end('second')
  await second.commit()
  expect(`${await readAll(store, 'a/b')}`).toBe('second')
})

it('does not touch an object whose growing name outlived a crash', async () => {
  await store.put(key('a/b'), Buffer.from('committed'), { ifAbsent: true })
  await link(join(root, 'a/b'), join(root, 'a/.growing-b'))
  const again = await store.growing.create(key('a/b'))
  again.writable.end('other')
  expect(await codeOf(again.commit())).toBe('ALREADY_EXISTS')
  await again.discard()
  expect(`${await readAll(store, 'a/b')}`).toBe('committed')
})

it('does not commit what was not written to its end', async () => {
  const object = await store.growing.create(key('a/b'))
  const source = async function* () {
    yield Buffer.from('some')
    throw new Error('the source broke')
  }
  await expect(pipeline(source, object.writable)).rejects.toThrow('the source broke')
  await expect(object.commit()).rejects.toThrow()
  expect(await store.head(key('a/b'))).toBeUndefined()
  await object.discard()
  expect(await readdir(join(root, 'a'))).toEqual([])
})

it('discards one object while it is written', async () => {
  const object = await store.growing.create(key('a/b'))
  object.writable.write(randomBytes(3_000_000))
  await object.discard()
  await object.discard()
  expect(await readdir(join(root, 'a'))).toEqual([])
})

it('discards scratch and growing files below a prefix, and keeps objects', async () => {
  const scratch = await store.growing.scratch(key('x/a1'))
  await writeFile(join(scratch, 'staging'), 'x')
  expect((await lstat(scratch)).mode & 0o777).toBe(0o700)
  const growing = await store.growing.create(key('x/a1/deep/object'))
  await growing.writable[Symbol.asyncDispose]?.()
  await store.put(key('x/a1/kept'), Buffer.from('x'), { ifAbsent: true })
  expect(await keysOf(store, '')).toEqual(['x/a1/kept'])
  await store.growing.discard(key('x/a1'))
  await store.growing.discard(key('not/there'))
  expect(await readdir(join(root, 'x/a1'), { recursive: true })).toEqual(['deep', 'kept'])
  await store.delete([key('x/a1/kept')])
})

it('leaves whole objects alone behind when a writer is killed', async () => {
  const writer = await startWriter('put')
  while ((await keysOf(store, '')).length < 2) await sleep(20)
  await kill(writer)
  const found = await collect(store.list(''))
  expect(found.every(({ sizeBytes }) => sizeBytes === 8 * 1024 * 1024)).toBe(true)
  for (const { key } of found.slice(-2)) expect((await readAll(store, key)).every((byte) => byte === 7)).toBe(true)
})

it('leaves no object behind when the writer of a growing one is killed', async () => {
  const writer = await startWriter('grow')
  await sleep(100)
  await kill(writer)
  expect(await store.head(key('grow/object'))).toBeUndefined()
  expect(await readdir(join(root, 'grow'))).toEqual(['.growing-object'])
  const object = await store.growing.create(key('grow/object'))
  object.writable.end('small')
  expect(await object.commit()).toMatchObject({ sizeBytes: 5 })
})

async function startWriter(mode: 'put' | 'grow'): Promise<ChildProcess> {
  const [loader, program] = ['../process/source-loader.mjs', './busy-writer.ts'].map((path) => new URL(path, import.meta.url))
  const args = ['--import', String(loader), fileURLToPath(String(program)), root, mode]
  const writer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  if (writer.stdout) await once(writer.stdout, 'data')
  return writer
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
