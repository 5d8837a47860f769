import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectTo } from '../../src/jobs/connect-job.js'
import type { JobSpec } from '../../src/jobs/job-spec.js'
import { send } from '../../src/jobs/protocol.js'
import { codeOf } from '../catalog/sample-manifest.js'
import { startPostgres, type TestPostgres } from '../servers/postgres.js'
import { processesNaming, processesWithArgument } from '../stand/process-table.js'
import { type JobBench, openJobBench } from './job-bench.js'

/* A capture of a real server, slow enough to be looked at. */

let postgres: TestPostgres
let bench: JobBench

beforeAll(async () => {
  postgres = await startPostgres({ major: 15 })
  bench = await openJobBench({ postgres, maxRate: '1MB/s' })
})

afterAll(async () => {
  await bench?.close()
  await postgres?.dispose()
})

test('what a job leaves on disk is for its own user alone, and no secret is in it or on a command line', async () => {
  const spec = bench.capture('a1')
  const watching = codeOf(() => bench.attach(spec))
  await bench.pidOf(spec)
  const directory = bench.directoryOf(spec)
  const modes = await Promise.all(['path', 'spec', 'socket', 'log'].map((name) => modeOf(Reflect.get(directory, name))))
  expect(modes).toEqual(['700', '600', '600', '600'])
  expect(await modeOf(join(bench.stateDirectory, 'jobs'))).toBe('700')

  const dumping = await untilDumping()
  const commandLines = dumping.map(({ args }) => args.join(' '))
  expect(secretsIn(commandLines.join('\n'))).toEqual([])

  const { result } = directory
  await tellToStop(spec)
  expect(await watching).toBe('STOPPED')
  expect(await modeOf(result)).toBe('600')
  expect(secretsIn(await textBelow(bench.stateDirectory))).toEqual([])
})

test('stopping a capture ends what it had started as well', async () => {
  const spec = bench.capture('a2')
  const watching = codeOf(() => bench.attach(spec))
  await bench.pidOf(spec)
  expect((await untilDumping()).length).toBeGreaterThan(0)
  await bench.stop(spec, 20_000)
  await watching
  expect((await dumpers()).map(({ args }) => args.join(' '))).toEqual([])
  expect(processesWithArgument(bench.directoryOf(spec).spec)).toEqual([])
})

test('killing a capture ends what it had started as well', async () => {
  const spec = bench.capture('a3')
  const watching = codeOf(() => bench.attach(spec))
  const pid = await bench.pidOf(spec)
  expect((await untilDumping()).length).toBeGreaterThan(0)
  process.kill(pid, 'SIGKILL')
  expect(await watching).toBe('CAPTURE_LOST')
  while ((await dumpers()).length > 0) await sleep(20)
})

/** As `stopJob` does, but leaving the result to be looked at. */
async function tellToStop(spec: JobSpec): Promise<void> {
  const socket = await connectTo(bench.directoryOf(spec))
  if (socket === undefined) throw new Error('nobody listens')
  send(socket, { type: 'stop' })
  socket.end()
}

async function untilDumping() {
  for (;;) {
    const found = await dumpers()
    if (found.length > 0) return processesNaming(bench.directory)
    await sleep(20)
  }
}

async function dumpers() {
  return processesNaming(bench.directory).filter(({ args }) => args.some((arg) => arg.endsWith('pg_basebackup')))
}

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8)
}

function secretsIn(text: string): string[] {
  return bench.secrets.filter((secret) => text.includes(secret))
}

async function textBelow(directory: string): Promise<string> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const texts = await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), 'latin1')))
  expect(texts.length).toBeGreaterThan(2)
  return texts.join('\n')
}
