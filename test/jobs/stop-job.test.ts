import { access } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startProgram } from '../../src/process/start-program.js'
import { codeOf } from '../catalog/sample-manifest.js'
import { processesWithArgument } from '../stand/process-table.js'
import { type JobBench, openJobBench } from './job-bench.js'

let bench: JobBench

beforeAll(async () => {
  bench = await openJobBench()
})

afterAll(async () => {
  await bench?.close()
})

test('stopping is told to the job, which says so to who watches it; nothing of it is left', async () => {
  const spec = bench.idle('a1')
  const watching = codeOf(() => bench.attach(spec))
  await bench.pidOf(spec)
  await bench.stop(spec, 20_000)
  // Who watches may find the result, or that everything is gone already.
  expect(['STOPPED', 'JOB_LOST']).toContain(await watching)
  await expect(access(bench.directoryOf(spec).path)).rejects.toThrow('ENOENT')
  expect(processesWithArgument(bench.directoryOf(spec).spec)).toEqual([])
})

test('a job that does not react is killed after the grace', async () => {
  const spec = bench.idle('a2')
  const watching = codeOf(() => bench.attach(spec))
  const pid = await bench.pidOf(spec)
  process.kill(pid, 'SIGSTOP')
  await bench.stop(spec, 200)
  expect(await watching).toBe('JOB_LOST')
  await expect(access(bench.directoryOf(spec).path)).rejects.toThrow('ENOENT')
  expect(processesWithArgument(bench.directoryOf(spec).spec)).toEqual([])
})

test('a process that holds the lock and serves no socket is killed after the grace', async () => {
  const spec = bench.extract('nowhere')
  expect(await codeOf(() => bench.attach(spec))).toBe('NOT_FOUND')
  const directory = bench.directoryOf(spec)
  const command = [process.execPath, '-e', "process.stdout.write('up'); setInterval(() => {}, 1000)", directory.spec]
  const hanging = startProgram(
    { program: 'flock', args: ['--no-fork', directory.lock, ...command] },
    { signal: new AbortController().signal, stdin: 'ignore', stdout: 'pipe' },
  )
  await new Promise((up) => hanging.stdout?.once('data', up))
  await bench.stop(spec, 200)
  await expect(hanging.finished).rejects.toMatchObject({ code: 'PROCESS_FAILED' })
  await expect(access(directory.path)).rejects.toThrow('ENOENT')
})

test('stopping a job that is not there, or has ended, is success', async () => {
  await bench.stop(bench.idle('a3'), 1000)
  const ended = bench.extract('nowhere')
  expect(await codeOf(() => bench.attach(ended))).toBe('NOT_FOUND')
  await bench.stop(ended, 1000)
  await expect(access(bench.directoryOf(ended).path)).rejects.toThrow('ENOENT')
})

test('the signals of a terminal and a service manager do not end a job', async () => {
  const spec = bench.idle('a4')
  const leaving = new AbortController()
  const watching = bench.attach(spec, { signal: leaving.signal })
  const pid = await bench.pidOf(spec)
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.kill(pid, signal)
  expect(await bench.pidOf(spec)).toBe(pid)
  leaving.abort(new Error('detached'))
  await expect(watching).rejects.toThrow('detached')
})
