import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa, type Options } from 'execa'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { endLeftBehind } from './left-behind.js'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join('/tmp', 'hf-own-'))
})

afterEach(() => rm(directory, { recursive: true }))

test.each<[string, string[], () => Options]>([
  ['its environment', ['sleep', '60'], () => ({ env: { TMPDIR: directory } })],
  ['its working directory', ['sleep', '60'], () => ({ cwd: directory })],
])('a process is found by %s, named and ended', async (_, [program = '', ...args], options) => {
  const child = execa(program, args, { ...options(), reject: false })
  expect(await endLeftBehind({ directory }, 0)).toEqual([`${child.pid} sleep 60`])
  expect((await child).signal).toBe('SIGKILL')
})

test('a process is found by its arguments, also in a session of its own', async () => {
  const file = join(directory, 'log')
  await writeFile(file, '')
  const env = { PATH: process.env.PATH }
  const child = execa('tail', ['-f', file], { detached: true, reject: false, env, extendEnv: false })
  expect(await endLeftBehind({ directory }, 0)).toEqual([`${child.pid} tail -f ${file}`])
  expect((await child).signal).toBe('SIGKILL')
})

test('a process that ends within the patience is no complaint', async () => {
  const child = execa('sleep', ['0.3'], { cwd: directory })
  expect(await endLeftBehind({ directory }, 5000)).toEqual([])
  expect((await child).exitCode).toBe(0)
})

test('processes of others are left alone', async () => {
  const child = execa('sleep', ['60'], { reject: false })
  expect(await endLeftBehind({ directory }, 0)).toEqual([])
  child.kill('SIGTERM')
  expect((await child).signal).toBe('SIGTERM')
})
