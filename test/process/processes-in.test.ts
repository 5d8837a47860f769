import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Command } from '../../src/process/command.js'
import { endProcessesIn, processesIn } from '../../src/process/processes-in.js'
import { startProgram } from '../../src/process/start-program.js'
import { currentUser } from '../../src/process/users.js'
import { serverUser } from '../servers/postgres.js'
import { processesNaming } from '../stand/process-table.js'
import { eventually, membersOf, processState } from './process-state.js'

const { signal } = new AbortController()

let directory: string
let below: string
let programs: AbortController

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'works-'))
  below = join(directory, 'below')
  await mkdir(below)
  await chmod(directory, 0o755)
  programs = new AbortController()
})

afterEach(async () => {
  programs.abort()
  await rm(directory, { recursive: true })
})

/** @returns ids of the program's processes, all in its directory, once there are so many */
async function start(command: Command, count: number): Promise<number[]> {
  const { pid, finished } = startProgram(command, { signal: programs.signal, stdin: 'ignore', stdout: 'ignore' })
  finished.catch(() => undefined)
  await eventually(command.program, () => membersOf(pid).length === count)
  return membersOf(pid)
}

const sleeping = (cwd: string): Command => ({ program: 'sleep', args: ['60'], cwd })

test('what works in a directory is found and ended, and nothing that works below it', async () => {
  const [here, there] = [await start(sleeping(directory), 2), await start(sleeping(below), 2)]
  expect(processesIn(directory, undefined).sort()).toEqual(here.sort())
  expect(await endProcessesIn(directory, undefined, signal)).toBe(true)
  expect(here.map(processState)).toEqual([undefined, undefined])
  expect(processesIn(below, undefined).sort()).toEqual(there.sort())
})

test('processes of somebody else are left alone, and so is who looks around from a terminal', async () => {
  const server = await serverUser()
  const theirs = await start({ ...sleeping(directory), runAs: server }, 2)
  const other = { ...currentUser(), uid: currentUser().uid + 1 }
  expect(processesIn(directory, other)).toEqual([])
  expect(processesIn(directory, server).sort()).toEqual(theirs.sort())
  await start({ program: 'script', args: ['-qec', `cd ${below} && exec sleep 61`, '/dev/null'], cwd: '/' }, 2)
  while (!processesNaming(below).some(({ args }) => args[0] === 'sleep')) await delay(10)
  expect(processesIn(below, undefined)).toEqual([])
})

test('where there is no such directory nobody works', async () => {
  expect(processesIn(join(directory, 'none'), undefined)).toEqual([])
  expect(await endProcessesIn(join(directory, 'none'), undefined, signal)).toBe(true)
})
