import {
  type FileHandle,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ObjectKey } from '../../src/domain/ids.js'
import { toFilesystemError } from '../../src/storage/filesystem-errors.js'
import { createFilesystemStore } from '../../src/storage/filesystem-store.js'
import { codeOf, collect, keysOf, readAll } from './store-reading.js'

let base: string
let root: string
let store: ReturnType<typeof createFilesystemStore>
const key = (text: string) => text as ObjectKey
const modeOf = async (path: string) => ((await lstat(path)).mode & 0o777).toString(8)

// In a thread of its own: in ours it would run in step with the puts.
const removeForEver = `
  const { rmdirSync } = require('node:fs')
  const { workerData } = require('node:worker_threads')
  // Now at once, now after a while: else no directory would live long enough on a busy machine.
  for (let turn = 0; ; turn += 1) {
    try { rmdirSync(workerData) } catch {}
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1 + (turn * 7) % 20)
  }
`

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'holdfast-layout-'))
  root = join(base, 'root')
  await mkdir(root)
  store = createFilesystemStore({ root })
})
afterEach(async () => {
  await rm(base, { recursive: true, force: true })
})

it('keeps objects 0600 below directories 0700, under their own names', async () => {
  await store.put(key('a/b/c'), Buffer.from('x'), { ifAbsent: true })
  expect(await modeOf(join(root, 'a'))).toBe('700')
  expect(await modeOf(join(root, 'a/b'))).toBe('700')
  expect(await modeOf(join(root, 'a/b/c'))).toBe('600')
  expect(await readdir(join(root, 'a/b'))).toEqual(['c'])
})

it('leaves no temporary file when a put is refused', async () => {
  await store.put(key('a/b'), Buffer.from('x'), { ifAbsent: true })
  expect(await codeOf(store.put(key('a/b'), Buffer.from('y'), { ifAbsent: true }))).toBe('ALREADY_EXISTS')
  expect(await readdir(join(root, 'a'))).toEqual(['b'])
})

it('removes the directories a delete leaves empty, and never the root', async () => {
  await store.put(key('a/b/c/d'), Buffer.from('x'), { ifAbsent: true })
  await store.put(key('a/e'), Buffer.from('x'), { ifAbsent: true })
  await store.delete([key('a/b/c/d')])
  expect(await readdir(join(root, 'a'))).toEqual(['e'])
  await store.delete([key('a/e')])
  expect(await readdir(root)).toEqual([])
})

it.each(['../out', 'a/../../out', '/etc/passwd', 'a//b', 'a/./b', '.hidden', 'a/.growing-b', 'a\0b', ''])(
  'refuses "%s" as a key',
  async (text) => {
    expect(await codeOf(store.put(key(text), Buffer.from('x'), { ifAbsent: true }))).toBe('INVALID_NAME')
    expect(await codeOf(store.get(key(text)))).toBe('INVALID_NAME')
    expect((await store.delete([key(text)]))[0]?.outcome).toBe('failed')
    expect(await readdir(base)).toEqual(['root'])
  },
)

it.each(['../', '/etc/', 'a//', './'])('lists nothing below the prefix "%s"', async (prefix) => {
  await writeFile(join(base, 'outside'), 'x')
  expect(await collect(store.list(prefix))).toEqual([])
})

it('does not leave its root through a symbolic link to a directory', async () => {
  const outside = join(base, 'outside')
  await mkdir(join(outside, 'deep'), { recursive: true })
  await writeFile(join(outside, 'secret'), 'x')
  await symlink(outside, join(root, 'link'))
  expect(await codeOf(store.put(key('link/new'), Buffer.from('x'), { ifAbsent: true }))).toBe('STORE_DENIED')
  expect(await codeOf(store.put(key('link/deep/er/new'), Buffer.from('x'), { ifAbsent: true }))).toBe('STORE_DENIED')
  expect(await codeOf(store.get(key('link/secret')))).toBe('STORE_DENIED')
  expect(await codeOf(store.head(key('link/secret')))).toBe('STORE_DENIED')
  expect(await codeOf(store.growing.create(key('link/new')))).toBe('STORE_DENIED')
  expect(await codeOf(store.growing.scratch(key('link')))).toBe('STORE_DENIED')
  expect((await store.delete([key('link/secret')]))[0]?.outcome).toBe('failed')
  expect(await keysOf(store, '')).toEqual([])
  expect((await readdir(outside)).toSorted()).toEqual(['deep', 'secret'])
})

it('passes over what the file system keeps at its root, and nowhere else', async () => {
  await mkdir(join(root, 'lost+found'), { mode: 0o700 })
  await writeFile(join(root, 'lost+found', '#12'), 'x')
  await store.put(key('a/lost+found/b'), Buffer.from('x'), { ifAbsent: true })
  expect(await keysOf(store, '')).toEqual(['a/lost+found/b'])
  expect(await keysOf(store, 'lost')).toEqual([])
  expect(await keysOf(store, 'lost+found/')).toEqual([])
})

it('does not follow a symbolic link in place of an object', async () => {
  await writeFile(join(base, 'secret'), 'x')
  await symlink(join(base, 'secret'), join(root, 'object'))
  expect(await codeOf(store.get(key('object')))).toBe('STORE_DENIED')
  expect(await store.head(key('object'))).toBeUndefined()
  expect(await codeOf(store.put(key('object'), Buffer.from('y'), { ifAbsent: true }))).toBe('ALREADY_EXISTS')
  await store.put(key('object'), Buffer.from('y'), { ifAbsent: false })
  expect(await readFile(join(base, 'secret'), 'utf8')).toBe('x')
})

it('works below a root that is a symbolic link itself', async () => {
  await symlink(root, join(base, 'alias'))
  const aliased = createFilesystemStore({ root: join(base, 'alias') })
  await aliased.put(key('a/b'), Buffer.from('x'), { ifAbsent: true })
  expect(`${await readAll(store, 'a/b')}`).toBe('x')
})

it('makes its root when it is told to, but not the directories above; a probe makes none', async () => {
  const fresh = createFilesystemStore({ root: join(base, 'fresh') })
  expect(await codeOf(fresh.put(key('a'), Buffer.from('x'), { ifAbsent: true }))).toBe('STORE_MISSING')
  expect(await codeOf(fresh.probe())).toBe('STORE_MISSING')
  expect(await readdir(base)).not.toContain('fresh')
  expect(await fresh.makeRoot()).toBe('made')
  await fresh.probe()
  expect(await modeOf(join(base, 'fresh'))).toBe('700')
  expect(await readdir(join(base, 'fresh'))).toEqual([])
  expect(await fresh.makeRoot()).toBe('was there')
  expect(await codeOf(createFilesystemStore({ root: join(base, 'x/y') }).makeRoot())).toBe('STORE_MISSING')
})

it('makes durable what another put was killed over before it says that it is there', async () => {
  await store.put(key('a/b/c'), Buffer.from('x'), { ifAbsent: true })
  const { synced, end } = await watchSyncs()
  try {
    expect(await codeOf(store.put(key('a/b/c'), Buffer.from('x'), { ifAbsent: true }))).toBe('ALREADY_EXISTS')
    expect(synced.slice(-3)).toEqual([join(root, 'a/b'), join(root, 'a'), root])
  } finally {
    end()
  }
})

it('says what stands in the way of a key below another object', async () => {
  await store.put(key('a'), Buffer.from('x'), { ifAbsent: true })
  expect(await codeOf(store.put(key('a/b'), Buffer.from('x'), { ifAbsent: true }))).toBe('INVALID_NAME')
  expect(await store.head(key('a/b'))).toBeUndefined()
  expect(await store.delete([key('a/b')])).toEqual([{ key: 'a/b', outcome: 'deleted' }])
})

it('refuses a name longer than file systems take', async () => {
  expect(await codeOf(store.put(key('x'.repeat(300)), Buffer.from('x'), { ifAbsent: true }))).toBe('INVALID_NAME')
})

it('puts also into a directory that is removed as empty again and again', async () => {
  const remover = new Worker(removeForEver, { eval: true, workerData: join(root, 'race') })
  for (let n = 0; n < 100; n += 1) {
    await store.put(key('race/object'), Buffer.from('x'), { ifAbsent: true })
    const growing = await store.growing.create(key('race/growing'))
    await growing.discard()
    await store.delete([key('race/object')])
  }
  await remover.terminate()
})

it('says STORE_DENIED of a directory nobody may write to', async () => {
  const denied = createFilesystemStore({ root: '/sys/kernel' })
  expect(await codeOf(denied.put(key('a/b'), Buffer.from('x'), { ifAbsent: true }))).toBe('STORE_DENIED')
})

it.each([
  ['ENOSPC', 'SPACE_SHORT'],
  ['EDQUOT', 'SPACE_SHORT'],
  ['EACCES', 'STORE_DENIED'],
  ['EROFS', 'STORE_DENIED'],
  ['ENOENT', 'NOT_FOUND'],
  ['EIO', 'LOCAL_IO'],
  ['EMFILE', 'LOCAL_IO'],
])('takes %s for %s', (errno, code) => {
  const error = toFilesystemError(Object.assign(new Error(`${errno}: said the kernel`), { code: errno }), 'put of "a"')
  expect(error).toMatchObject({ code, message: `put of "a" failed: ${errno}: said the kernel` })
})

/** Which files and directories this process has the kernel make durable, in their order. */
async function watchSyncs() {
  const handle = await open(base)
  const prototype = Object.getPrototypeOf(handle) as { sync(this: FileHandle): Promise<void> }
  await handle.close()
  const synced: string[] = []
  const { sync } = prototype
  prototype.sync = async function () {
    synced.push(await readlink(`/proc/self/fd/${this.fd}`))
    return sync.call(this)
  }
  return {
    synced,
    end: () => {
      prototype.sync = sync
    },
  }
}
