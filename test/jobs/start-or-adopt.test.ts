import { appendFile, rm, stat, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { lifeOf } from '../../src/jobs/job-lock.js'
import { startProgram } from '../../src/process/start-program.js'
import { codeOf } from '../catalog/sample-manifest.js'
import { killForGood, processesWithArgument } from '../stand/process-table.js'
import { emptyCapture, type JobBench, openJobBench } from './job-bench.js'

/*
 * Real processes. A replication whose capture has not begun waits, and so lives for as long as a test wants;
 * an extraction into an instance that is not there ends at once.
 */

let bench: JobBench

beforeAll(async () => {
  bench = await openJobBench()
})

afterAll(async () => {
  await bench?.close()
})

test('two who want the same job at once get one process, and both get its result', async () => {
  const spec = bench.idle('a1')
  const both = Promise.all([bench.attach(spec), bench.attach(spec)])
  const pid = await bench.pidOf(spec)
  expect((await jobProcesses(bench.directoryOf(spec).spec)).map((each) => each.pid)).toEqual([pid])
  await bench.captureEnded('a1', emptyCapture())
  const nothing = { partsKept: 0, partsSent: 0, bytesKept: 0, bytesSent: 0 }
  expect(await both).toEqual([nothing, nothing])
})

test('aborting detaches: the job goes on, and is adopted by the next who asks', async () => {
  const spec = bench.idle('a2')
  const leaving = new AbortController()
  const first = bench.attach(spec, { signal: leaving.signal })
  const pid = await bench.pidOf(spec)
  leaving.abort(new Error('detached'))
  await expect(first).rejects.toThrow('detached')
  const pulse = Promise.withResolvers<void>()
  const second = bench.attach(spec, { onPulse: pulse.resolve })
  await pulse.promise
  expect(await bench.pidOf(spec)).toBe(pid)
  await bench.captureEnded('a2', emptyCapture())
  await expect(second).resolves.toMatchObject({ partsSent: 0 })
})

test('the result of a job that has ended is read by whoever asks later', async () => {
  const spec = bench.idle('a3')
  await bench.captureEnded('a3', emptyCapture())
  await bench.attach(spec)
  const { ino } = await stat(bench.directoryOf(spec).result)
  await expect(bench.attach(spec)).resolves.toMatchObject({ partsSent: 0 })
  expect((await stat(bench.directoryOf(spec).result)).ino).toBe(ino)
})

test('a capture whose process was killed is lost for who watched it and for who asks next', async () => {
  const spec = bench.capture('a4')
  const watching = codeOf(() => bench.attach(spec))
  await killForGood(await bench.pidOf(spec))
  expect(await watching).toBe('CAPTURE_LOST')
  expect(await codeOf(() => bench.attach(spec))).toBe('CAPTURE_LOST')
  expect(await lifeOf(bench.directoryOf(spec))).toBe('over')
})

test('a job that broke down is quoted, without its secrets', async () => {
  const spec = bench.capture('a12')
  const quoted = /ended without a result; it said: Error: no more memory\s+password=\[secret\]$/
  const watching = expect(bench.attach(spec)).rejects.toThrow(quoted)
  const pid = await bench.pidOf(spec)
  await appendFile(bench.directoryOf(spec).log, 'Error: no more memory\n    password=hunter2\n')
  await killForGood(pid)
  await watching
})

test('a capture that died before it had begun is started', async () => {
  const spec = bench.capture('a5')
  await bench.captureEnded('a5', emptyCapture())
  const { lock, result } = bench.directoryOf(spec)
  await writeFile(lock, '')
  await rm(result)
  const leaving = new AbortController()
  const watching = bench.attach(spec, { signal: leaving.signal })
  expect(await bench.pidOf(spec)).toBeGreaterThan(0)
  leaving.abort(new Error('seen enough'))
  await expect(watching).rejects.toThrow('seen enough')
})

test('a replication whose process was killed is started again, over the socket the dead one left', async () => {
  const spec = bench.idle('a6')
  const watching = codeOf(() => bench.attach(spec))
  const pid = await bench.pidOf(spec)
  await killForGood(pid)
  expect(await watching).toBe('JOB_LOST')
  expect((await stat(bench.directoryOf(spec).socket)).isSocket()).toBe(true)
  const again = bench.attach(spec)
  expect(await bench.pidOf(spec)).not.toBe(pid)
  await bench.captureEnded('a6', emptyCapture())
  await expect(again).resolves.toMatchObject({ partsSent: 0 })
})

test('a replication that failed with what may pass is started again, one that failed for good is not', async () => {
  const [passing, final] = [bench.idle('a7'), bench.idle('a8')]
  const failure = { outcome: 'failed', message: 'as told', hint: '' } as const
  await bench.captureEnded('a7', { ...failure, code: 'STORE_UNAVAILABLE' })
  await bench.captureEnded('a8', { ...failure, code: 'STORE_DENIED' })
  expect(await Promise.all([passing, final].map((spec) => codeOf(() => bench.attach(spec))))).toEqual([
    'STORE_UNAVAILABLE',
    'STORE_DENIED',
  ])
  await bench.captureEnded('a7', emptyCapture())
  await bench.captureEnded('a8', emptyCapture())
  await expect(bench.attach(passing)).resolves.toMatchObject({ partsSent: 0 })
  expect(await codeOf(() => bench.attach(final))).toBe('STORE_DENIED')
})

test('a job that cannot be done says why, with the code of the cause', async () => {
  expect(await codeOf(() => bench.attach(bench.extract('nowhere')))).toBe('NOT_FOUND')
})

test('a job is ahead, running, then over; any number may look at the same time', async () => {
  const spec = bench.idle('a9')
  const directory = bench.directoryOf(spec)
  expect(await lifeOf(directory)).toBe('ahead')
  const watching = codeOf(() => bench.attach(spec))
  const pid = await bench.pidOf(spec)
  expect(await lifeOf(directory)).toBe('running')
  await killForGood(pid)
  expect(await watching).toBe('JOB_LOST')
  // A look of its own that outlived it for a moment has inherited the lock.
  await expect.poll(() => lifeOf(directory), { timeout: 10_000 }).toBe('over')
  expect(new Set(await Promise.all(Array.from({ length: 8 }, () => lifeOf(directory))))).toEqual(new Set(['over']))
})

test('a look at the lock is not taken for the job by another look, and a start that meets one waits for it', async () => {
  const spec = bench.idle('a10')
  await bench.captureEnded('a10', emptyCapture())
  await bench.attach(spec)
  const { lock, result } = bench.directoryOf(spec)
  await rm(result)
  const looking = new AbortController()
  const look = startProgram(
    { program: 'flock', args: ['--shared', lock, 'sh', '-c', 'echo held; exec cat'] },
    { signal: looking.signal, stdin: 'pipe', stdout: 'pipe' },
  )
  await new Promise((held) => look.stdout?.once('data', held))
  expect(await lifeOf(bench.directoryOf(spec))).toBe('ahead')
  const started = bench.attach(spec)
  setTimeout(() => look.stdin?.end(), 300)
  await expect(started).resolves.toMatchObject({ partsSent: 0 })
  await look.finished
})

test('a replication is started once the lock that something else inherited is free', async () => {
  const spec = bench.idle('a11')
  await bench.captureEnded('a11', emptyCapture())
  await bench.attach(spec)
  const { lock, result } = bench.directoryOf(spec)
  await rm(result)
  const heir = startProgram(
    { program: 'flock', args: [lock, 'sh', '-c', 'echo held; exec cat'] },
    { signal: new AbortController().signal, stdin: 'pipe', stdout: 'pipe' },
  )
  await new Promise((held) => heir.stdout?.once('data', held))
  expect(await lifeOf(bench.directoryOf(spec))).toBe('running')
  const pulse = Promise.withResolvers<void>()
  const started = bench.attach(spec, { onPulse: pulse.resolve })
  await pulse.promise
  heir.stdin?.end()
  await expect(started).resolves.toMatchObject({ partsSent: 0 })
  await heir.finished
})

async function jobProcesses(specPath: string) {
  return processesWithArgument(specPath).filter(({ args }) => !args[0]?.endsWith('flock'))
}
