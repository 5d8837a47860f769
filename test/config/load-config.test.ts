import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load-config.js'
import { facts, sampleWith } from './sample.js'

let directory: string
const here = () => ({ ...facts, currentDirectory: directory })

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hf-config-'))
})

afterEach(() => rm(directory, { recursive: true }))

test('--config wins over HOLDFAST_CONFIG, and that over the current directory', async () => {
  for (const name of ['a.yaml', 'b.yaml', 'holdfast.yaml']) {
    await writeFile(join(directory, name), sampleWith({ host: `host: ${name.replace('.yaml', '')}` }))
  }
  const named = { HOLDFAST_CONFIG: 'b.yaml' }
  expect((await loadConfig({ path: 'a.yaml', env: named, facts: here() })).config.host).toBe('a')
  expect((await loadConfig({ env: named, facts: here() })).config.host).toBe('b')
  const found = await loadConfig({ env: { HOLDFAST_CONFIG: '' }, facts: here() })
  expect([found.config.host, found.path]).toEqual(['holdfast', join(directory, 'holdfast.yaml')])
})

test('paths in the file start from its directory, not from the current one', async () => {
  await mkdir(join(directory, 'etc'))
  await writeFile(join(directory, 'etc', 'h.yaml'), sampleWith({}))
  const { config } = await loadConfig({ path: 'etc/h.yaml', env: {}, facts: here() })
  expect(config.repositories).toMatchObject({ local: { path: join(directory, 'etc', 'backups') } })
})

test('without any file the places looked at are named', async () => {
  await expect(loadConfig({ env: {}, facts: here() })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: `there is no configuration at ${directory}/holdfast.yaml or /etc/holdfast/holdfast.yaml`,
    hint: expect.stringContaining('HOLDFAST_CONFIG'),
  })
})

test('a named file that is not there is not replaced by another', async () => {
  await writeFile(join(directory, 'holdfast.yaml'), sampleWith({}))
  await expect(loadConfig({ path: 'x.yaml', env: {}, facts: here() })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: `cannot read the configuration ${directory}/x.yaml: it is not there`,
  })
})

test('a file this user may not read is named', async () => {
  await writeFile(join(directory, 'holdfast.yaml'), sampleWith({}))
  await chmod(join(directory, 'holdfast.yaml'), 0)
  const root = process.geteuid?.() === 0
  // Modes do not stop root.
  if (root) process.seteuid?.(65_534)
  try {
    await expect(loadConfig({ env: {}, facts: here() })).rejects.toMatchObject({
      message: expect.stringContaining('may not read'),
    })
  } finally {
    if (root) process.seteuid?.(0)
  }
})

test('a directory in place of the file is named', async () => {
  await mkdir(join(directory, 'holdfast.yaml'))
  await expect(loadConfig({ env: {}, facts: here() })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('it is a directory'),
  })
})

test('a file larger than any configuration is not read', async () => {
  await writeFile(join(directory, 'holdfast.yaml'), Buffer.alloc(2 * 1024 * 1024, '#'))
  await expect(loadConfig({ env: {}, facts: here() })).rejects.toMatchObject({ message: expect.stringContaining('larger') })
})
