import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newConfigPath } from '../../src/config/config-path.js'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'i-'))
})

afterEach(() => rm(directory, { recursive: true, force: true }))

describe('the place of a new configuration', () => {
  const at = (userId: number) => ({ env: {}, facts: { userId, currentDirectory: directory } })

  test('is the one the other verbs will find', async () => {
    expect(await newConfigPath(at(0))).toBe('/etc/holdfast/holdfast.yaml')
    expect(await newConfigPath(at(1000))).toBe(join(directory, 'holdfast.yaml'))
    expect(await newConfigPath({ ...at(0), env: { HOLDFAST_CONFIG: 'env.yaml' } })).toBe(join(directory, 'env.yaml'))
    expect(await newConfigPath({ ...at(0), path: 'a.yaml', env: { HOLDFAST_CONFIG: 'b.yaml' } })).toBe(join(directory, 'a.yaml'))
  })

  test('is refused when another one would be found before it', async () => {
    const path = join(directory, 'holdfast.yaml')
    await writeFile(path, 'mine')
    await expect(newConfigPath(at(0))).rejects.toMatchObject({ code: 'ALREADY_EXISTS', message: expect.stringContaining(path) })
  })
})
