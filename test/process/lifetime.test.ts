import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { startDetached } from '../../src/process/start-detached.js'
import { eventually, membersOf, processState } from './process-state.js'

const directory = mkdtempSync(join(tmpdir(), 'holdfast-process-'))
afterAll(() => rmSync(directory, { recursive: true }))

const loader = join(import.meta.dirname, 'source-loader.mjs')
const parentSource = join(import.meta.dirname, 'parent.ts')
const users = process.getuid?.() === 0 ? [[''], ['nobody']] : [['']]

/** A process of ours that starts `sh -c script` and tells its pid. */
async function startParent(
  mode: 'tied' | 'detached',
  user: string,
  script: string,
): Promise<{ parent: ChildProcess; pid: number }> {
  const args = ['--import', loader, parentSource, mode, user, '/bin/sh', '-c', script]
  const env = { ...process.env, PARENT_LOG: join(directory, 'parent.log') }
  const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env })
  const [chunk] = await once(parent.stdout, 'data')
  return { parent, pid: Number(String(chunk)) }
}

test.each(users)('what a killed parent had started as "%s" ends with it, down to the grandchildren', async (user) => {
  const { parent, pid } = await startParent('tied', user, 'sleep 61 & sleep 62; true')
  const group = (): number[] => membersOf(pid)
  await eventually('the grandchildren run', () => group().length === 4)
  parent.kill('SIGKILL')
  await eventually('all of them end', () => group().length === 0)
})

test('a parent that exits by itself takes its programs along', async () => {
  const { parent, pid } = await startParent('tied', '', 'trap "" TERM HUP; sleep 63; true')
  parent.kill('SIGTERM')
  await eventually('it ends', () => membersOf(pid).length === 0)
})

test.each(users)('a detached program run as "%s" outlives its killed parent, in a session of its own', async (user) => {
  const { parent, pid } = await startParent('detached', user, 'echo started; exec sleep 64')
  expect(processState(pid)?.session).toBe(pid)
  parent.kill('SIGKILL')
  await once(parent, 'exit')
  expect(processState(pid)).toBeDefined()
  process.kill(pid, 'SIGKILL')
})

test('a detached program appends to a private log and gets the environment asked for', async () => {
  const logFile = join(directory, 'job.log')
  writeFileSync(logFile, 'earlier\n', { mode: 0o644 })
  process.env.HOLDFAST_TEST_SECRET = 'for the job'
  const command = { program: 'sh', args: ['-c', 'echo "secret: $HOLDFAST_TEST_SECRET" >&2'] }
  await startDetached(command, { logFile })
  await eventually('the log is written', () => readFileSync(logFile, 'utf8') === 'earlier\nsecret: for the job\n')
  expect(statSync(logFile).mode & 0o777).toBe(0o600)
  await startDetached(command, { logFile, environment: 'minimal' })
  await eventually('the log is written', () => readFileSync(logFile, 'utf8').endsWith('secret: \n'))
  delete process.env.HOLDFAST_TEST_SECRET
})

test('what cannot be started detached is told at once', async () => {
  const logFile = join(directory, 'none.log')
  await expect(startDetached({ program: 'no-such-program', args: [] }, { logFile })).rejects.toMatchObject({
    code: 'TOOL_MISSING',
  })
  await expect(startDetached({ program: 'true', args: [], cwd: '/nowhere' }, { logFile })).rejects.toMatchObject({
    code: 'LOCAL_IO',
  })
  await expect(startDetached({ program: 'true', args: [] }, { logFile: '/nowhere/x.log' })).rejects.toMatchObject({
    code: 'LOCAL_IO',
  })
})
