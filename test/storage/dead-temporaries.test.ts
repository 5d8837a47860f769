import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseObjectKey } from '../../src/domain/ids.js'
import { temporaryName } from '../../src/storage/dead-temporaries.js'
import { createFilesystemStore } from '../../src/storage/filesystem-store.js'
import type { Store } from '../../src/storage/store.js'

describe('what a killed process left in a directory', () => {
  let root: string
  let store: Store
  let left: string

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'dead-'))
    store = createFilesystemStore({ root })
    const { pid } = execa('true')
    await expect.poll(() => isThere(pid ?? 0)).toBe(false)
    left = temporaryName('.put').replace(`-${process.pid}-`, `-${pid}-`)
    await mkdir(join(root, 'a'))
    await writeFile(join(root, 'a', left), 'half')
  })

  afterEach(() => rm(root, { recursive: true, force: true }))

  test('goes with the next put there', async () => {
    await store.put(parseObjectKey('a/b'), Buffer.from('whole'), { ifAbsent: true })
    expect(await readdir(join(root, 'a'))).toEqual(['b'])
  })

  test('does not keep a directory that a delete leaves empty', async () => {
    await writeFile(join(root, 'a', 'b'), 'whole')
    await store.delete([parseObjectKey('a/b')])
    expect(await readdir(root)).toEqual([])
  })

  test('goes with the next probe, be it a probe itself', async () => {
    const probes = join(root, '_holdfast', 'probe')
    await mkdir(probes, { recursive: true })
    await writeFile(join(probes, left.replace('.put', 'probe')), 'probe')
    await store.probe()
    expect(await readdir(root)).toEqual(['a'])
  })

  test("stays while its process lives, and when it is another machine's", async () => {
    const kept = [temporaryName('.put'), left.replace(/^\.put-.{8}/, '.put-00000000'), '.put-by-somebody']
    for (const name of kept) await writeFile(join(root, 'a', name), 'half')
    await store.put(parseObjectKey('a/b'), Buffer.from('whole'), { ifAbsent: true })
    expect((await readdir(join(root, 'a'))).toSorted()).toEqual([...kept, 'b'].toSorted())
  })
})

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
