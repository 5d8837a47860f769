import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { writeAll } from '../../src/starters/init/write-all.js'
import { treeOf } from './init-places.js'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'i-'))
})

afterEach(() => rm(directory, { recursive: true, force: true }))

describe('files', () => {
  const file = (name: string) => ({ path: join(directory, 'keys', name), content: name })
  const directories = () => [join(directory, 'keys'), join(directory, 'a', 'b')]

  test('are gone again with their directories when a later one cannot be made', async () => {
    await expect(
      writeAll({ directories: directories(), files: [file('one'), file('two'), file('no/where')] }, new AbortController().signal),
    ).rejects.toMatchObject({ code: 'LOCAL_IO', message: expect.stringContaining('no/where') })
    expect(await treeOf(directory)).toEqual([])
  })

  test('are gone again when they are interrupted in the middle', async () => {
    const interruption = new AbortController()
    const interrupting = {
      ...file('two'),
      get content() {
        interruption.abort(new Error('interrupted'))
        return 'two'
      },
    }
    const files = [file('one'), interrupting, file('three')]
    await expect(writeAll({ directories: directories(), files }, interruption.signal)).rejects.toThrow('interrupted')
    expect(await treeOf(directory)).toEqual([])
  })

  test('leave what was there before', async () => {
    await writeFile(join(directory, 'mine'), 'mine')
    const files = [
      { path: join(directory, 'one'), content: '1' },
      { path: join(directory, 'mine'), content: 'theirs' },
    ]
    await expect(writeAll({ directories: [directory], files }, new AbortController().signal)).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
    })
    expect(await readFile(join(directory, 'mine'), 'utf8')).toBe('mine')
    expect(await treeOf(directory)).toHaveLength(1)
  })
})
