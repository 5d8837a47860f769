import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { runProgram } from '../../src/process/run-program.js'
import { currentUser, findUser } from '../../src/process/users.js'
import { eventually, processState } from './process-state.js'

const shell = (script: string) => ({ program: 'sh', args: ['-c', script] })

test('both outputs come back, and the program sees the input', async () => {
  const result = await runProgram(shell('cat; echo said >&2'), { input: 'hello\n' })
  expect(result).toEqual({ stdout: 'hello\n', stderr: 'said' })
})

test('input the program does not read is not an error', async () => {
  await expect(runProgram(shell('exec true'), { input: 'x'.repeat(1_000_000) })).resolves.toEqual({ stdout: '', stderr: '' })
})

test('arguments reach the program as they are, without a shell between', async () => {
  const args = ['$HOME', 'a b', '"; exit 1', '*', '']
  const { stdout } = await runProgram({ program: 'printf', args: ['%s\\n', ...args] }, {})
  expect(stdout).toBe(`${args.join('\n')}\n`)
})

test('a failure names the program, its status and the end of what it said, masked', async () => {
  const command = { ...shell('echo "no entry for hunter2" >&2; exit 3'), secrets: ['hunter2'] }
  await expect(runProgram(command, {})).rejects.toMatchObject({
    code: 'PROCESS_FAILED',
    message: 'sh exited with status 3: no entry for [secret]',
    details: { program: 'sh', exitCode: 3 },
  })
})

test('a program ended by a signal is told from one that exited', async () => {
  await expect(runProgram(shell('kill -SEGV $$'), {})).rejects.toMatchObject({
    code: 'PROCESS_FAILED',
    details: { program: 'sh', signal: 'SIGSEGV' },
  })
})

test('only the last lines of a long complaint are quoted', async () => {
  const failure = await runProgram(shell('seq 100000 >&2; exit 1'), {}).catch((error: Error) => error.message)
  expect(failure).toMatch(/99981\n(\d+\n)*100000$/)
  expect(String(failure).length).toBeLessThan(5_000)
})

test('a program that is not there, or is not executable, is a missing tool', async () => {
  await expect(runProgram({ program: 'no-such-program', args: [] }, {})).rejects.toMatchObject({ code: 'TOOL_MISSING' })
  await expect(runProgram({ program: '/etc/passwd', args: [] }, {})).rejects.toMatchObject({ code: 'TOOL_MISSING' })
  await expect(runProgram({ program: '/nowhere/psql', args: [] }, {})).rejects.toMatchObject({ code: 'TOOL_MISSING' })
})

test('a directory that is not there is named', async () => {
  await expect(runProgram({ ...shell('true'), cwd: '/nowhere' }, {})).rejects.toMatchObject({
    code: 'LOCAL_IO',
    hint: expect.stringContaining('/nowhere'),
  })
})

test('more output than the limit fails instead of being cut', async () => {
  await expect(runProgram(shell('yes'), { outputLimitBytes: 10_000 })).rejects.toMatchObject({ message: /more than 10000 bytes/ })
  const { stdout } = await runProgram(shell('head -c 10000 /dev/zero'), { outputLimitBytes: 10_000 })
  expect(stdout.length).toBe(10_000)
})

test('aborting ends the program and what it started, and rejects with the reason', async () => {
  const controller = new AbortController()
  const running = runProgram(shell('sleep 100 & echo $!; wait'), { signal: controller.signal })
  const reason = new Error('operator said so')
  setTimeout(() => controller.abort(reason), 100)
  await expect(running).rejects.toBe(reason)
  await expect(runProgram(shell('true'), { signal: controller.signal })).rejects.toBe(reason)
})

test('a program that ignores SIGTERM is killed after its grace', async () => {
  const controller = new AbortController()
  const startedAt = Date.now()
  setTimeout(() => controller.abort(new Error('stop')), 100)
  await expect(runProgram(shell('trap "" TERM; while :; do sleep 1; done'), { signal: controller.signal })).rejects.toThrow(
    'stop',
  )
  expect(Date.now() - startedAt).toBeGreaterThan(4_900)
}, 10_000)

test('a daemon that keeps the pipes open does not keep us waiting, and lives', async () => {
  const { stdout } = await runProgram(shell('setsid sleep 60 & echo $!'), {})
  const daemon = Number(stdout)
  await delay(50)
  expect(processState(daemon)).toBeDefined()
  process.kill(daemon)
})

test('secrets of our environment are not passed on, what the command names is', async () => {
  process.env.HOLDFAST_TEST_SECRET = 'do not tell'
  const { stdout } = await runProgram({ program: 'env', args: [], env: { PGPORT: '5433' } }, {})
  delete process.env.HOLDFAST_TEST_SECRET
  const names = stdout.split('\n').map((line) => line.split('=')[0])
  expect(stdout).toContain('PGPORT=5433\n')
  expect(stdout).toContain('LC_ALL=C\n')
  expect(names).toContain('PATH')
  expect(stdout).not.toContain('do not tell')
})

test('users are found by name and by number, and an unknown one is named', async () => {
  const root = { name: 'root', uid: 0, gid: 0 }
  expect(await findUser('root')).toEqual(root)
  expect(await findUser('0')).toEqual(root)
  expect((await findUser(currentUser().name)).uid).toBe(process.getuid?.())
  await expect(findUser('nobody-of-this-name')).rejects.toMatchObject({ code: 'NOT_FOUND', message: /nobody-of-this-name/ })
})

test.runIf(process.getuid?.() === 0)(
  'as root, a program runs as another user with that user’s groups and no home of ours',
  async () => {
    const nobody = await findUser('nobody')
    const { stdout } = await runProgram({ ...shell('id -u; id -g; pwd; test -n "$HOME" || echo no home'), runAs: nobody }, {})
    expect(stdout).toBe(`${nobody.uid}\n${nobody.gid}\n/\nno home\n`)
  },
)

test('our process is left alone by what happens to the group of a program', async () => {
  const { stdout } = await runProgram(shell('ps -o pgid= -p $$; kill -TERM 0; sleep 0.1; echo not reached'), {}).catch(() => ({
    stdout: '',
  }))
  expect(stdout).toBe('')
  await eventually('still here', () => processState(process.pid) !== undefined)
})
