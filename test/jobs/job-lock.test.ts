import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { jobDirectory, removeJobDirectory } from '../../src/jobs/job-directory.js'
import { lifeOf, lockedCommand } from '../../src/jobs/job-lock.js'
import { startProgram } from '../../src/process/start-program.js'

let state: string

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'lock-'))
})

afterAll(async () => {
  await rm(state, { recursive: true, force: true })
})

async function ended(name: string) {
  const directory = jobDirectory(state, name)
  await mkdir(directory.path, { recursive: true, mode: 0o700 })
  for (const path of [directory.lock, directory.socket, directory.spec]) await writeFile(path, '')
  return directory
}

test('looks at a job whose directory is being removed neither fail nor keep it there', async () => {
  for (let time = 0; time < 40; time += 1) {
    const directory = await ended(`job ${time}`)
    const looks = Array.from({ length: 4 }, () => lifeOf(directory))
    await sleep(time / 8)
    await removeJobDirectory(directory)
    for (const life of await Promise.all(looks)) expect(['ahead', 'over']).toContain(life)
    await expect(access(directory.path)).rejects.toThrow('ENOENT')
  }
})

test('whoever holds the lock runs, and looks do not disturb each other', async () => {
  const directory = await ended('held')
  const holding = new AbortController()
  const [program = '', ...args] = ['flock', ...lockedCommand(directory, ['cat'])]
  const running = startProgram({ program, args }, { signal: holding.signal, stdin: 'pipe', stdout: 'pipe' })
  const up = new Promise((resolve) => running.stdout?.once('data', resolve))
  running.stdin?.write('up')
  await up
  expect(await Promise.all(Array.from({ length: 4 }, () => lifeOf(directory)))).toEqual(Array(4).fill('running'))
  running.stdin?.end()
  await running.finished
  expect(await Promise.all(Array.from({ length: 4 }, () => lifeOf(directory)))).toEqual(Array(4).fill('over'))
})
