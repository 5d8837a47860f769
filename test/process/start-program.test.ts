import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { startProgram } from '../../src/process/start-program.js'
import { eventually, processState } from './process-state.js'

const controllers: AbortController[] = []
function signal(): AbortSignal {
  const controller = new AbortController()
  controllers.push(controller)
  return controller.signal
}
afterEach(() => {
  for (const controller of controllers.splice(0)) controller.abort()
})

const shell = (script: string) => ({ program: 'sh', args: ['-c', script] })

test('bulk output arrives whole, also when it is read slowly and after the exit', async () => {
  const program = startProgram(shell('seq 300000'), { signal: signal(), stdin: 'ignore', stdout: 'pipe' })
  await delay(200)
  const hash = createHash('md5')
  for await (const chunk of program.stdout ?? []) hash.update(chunk)
  await program.finished
  const expected = startProgram(shell('seq 300000 | md5sum'), { signal: signal(), stdin: 'ignore', stdout: 'pipe' })
  expect(String(await expected.stdout?.toArray())).toContain(hash.digest('hex'))
})

test('a small output can be read after the program has exited', async () => {
  const program = startProgram(shell('echo late'), { signal: signal(), stdin: 'ignore', stdout: 'pipe' })
  await eventually('exit', () => processState(program.pid) === undefined)
  await delay(100)
  expect(String(await program.stdout?.toArray())).toBe('late\n')
  await program.finished
})

test('input is streamed to the program', async () => {
  const program = startProgram({ program: 'wc', args: ['-c'] }, { signal: signal(), stdin: 'pipe', stdout: 'pipe' })
  for (let index = 0; index < 20; index++) program.stdin?.write(Buffer.alloc(100_000))
  program.stdin?.end()
  expect(String(await program.stdout?.toArray()).trim()).toBe('2000000')
  await program.finished
})

test('lines of standard error come as they are written, masked, and the failure quotes the last', async () => {
  const lines: string[] = []
  const command = { ...shell('printf "1%%\\r2%%\\npassword=x done\\nend" >&2; exit 1'), secrets: ['done'] }
  const program = startProgram(command, {
    signal: signal(),
    stdin: 'ignore',
    stdout: 'ignore',
    onStderrLine: (line) => lines.push(line),
  })
  await expect(program.finished).rejects.toMatchObject({
    code: 'PROCESS_FAILED',
    message: /status 1: .*password=\[secret\] \[secret\]\nend$/s,
  })
  expect(lines).toEqual(['1%', '2%', 'password=[secret] [secret]'])
  expect(program.stderrTail()).toMatch(/end$/)
})

test('a program has a session of its own, so that Ctrl-C at our terminal does not reach it', async () => {
  const program = startProgram(shell('sleep 60'), { signal: signal(), stdin: 'ignore', stdout: 'ignore' })
  expect(processState(program.pid)?.session).toBe(program.pid)
})

test('aborting lets the program clean up, then rejects with the reason', async () => {
  const controller = new AbortController()
  const script = 'trap "echo cleaned; exit 0" TERM; echo ready; while :; do sleep 0.05; done'
  const program = startProgram(shell(script), { signal: controller.signal, stdin: 'ignore', stdout: 'pipe' })
  const reason = new Error('stop')
  program.stdout?.once('data', () => controller.abort(reason))
  const output = program.stdout?.toArray()
  await expect(program.finished).rejects.toBe(reason)
  expect(String(await output)).toContain('cleaned')
})

test('what a program leaves behind when it dies is ended', async () => {
  const program = startProgram(shell('sleep 60 & echo $!; kill -KILL $$'), { signal: signal(), stdin: 'ignore', stdout: 'pipe' })
  const [chunk] = (await program.stdout?.take(1).toArray()) ?? []
  await expect(program.finished).rejects.toMatchObject({ details: { signal: 'SIGKILL' } })
  await eventually('the leftover ends', () => processState(Number(String(chunk))) === undefined)
})

test('a program that is killed has failed even if its output ended well', async () => {
  const program = startProgram(shell('echo all; kill -KILL $$'), { signal: signal(), stdin: 'ignore', stdout: 'pipe' })
  expect(String(await program.stdout?.toArray())).toBe('all\n')
  await expect(program.finished).rejects.toMatchObject({ message: 'sh was ended by SIGKILL' })
})
