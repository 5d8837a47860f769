import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type HoldfastError, isRetryable } from '../domain/errors.js'
import type { Progress } from '../domain/progress.js'
import { startDetached } from '../process/start-detached.js'
import { connectTo } from './connect-job.js'
import {
  forgetResult,
  type JobDirectory,
  type JobResult,
  jobDirectory,
  outcomeOf,
  readResult,
  replaceSpec,
  writeSpecOnce,
} from './job-directory.js'
import { jobFailure } from './job-failure.js'
import { lifeOf, lockedCommand } from './job-lock.js'
import { lastWords } from './job-log.js'
import { type JobSpec, jobNameOf } from './job-spec.js'
import { type JobMessage, messagesFrom } from './protocol.js'

export interface AttachOptions {
  readonly stateDirectory: string
  readonly onProgress: (progress: Progress) => void
  /** Called about once a second while the job's process lives. */
  readonly onPulse: () => void
  /** Aborting detaches; the job goes on. */
  readonly signal: AbortSignal
}

/** Starting Node takes a second or two on a busy machine. */
const startPatienceMs = 60_000
/** For the system to start the process at all: by then it holds the job's lock. */
const processPatienceMs = 10_000

/**
 * Starts a job, or adopts the one that already does this work, and follows it to its end.
 *
 * A capture is started once: when it is gone without a result, what it had produced cannot be continued (CAPTURE_LOST).
 * Other jobs resume from what the stores hold, so a dead one is started again, also after a failure that may pass; those of the
 * archiving after any.
 *
 * @returns what the job returned.
 * @throws the error the job ended with; `signal.reason` when detached.
 */
export async function attachJob(spec: JobSpec, options: AttachOptions): Promise<unknown> {
  const name = jobNameOf(spec)
  const directory = jobDirectory(options.stateDirectory, name)
  await writeSpecOnce(directory, spec)
  const socket = (await connectTo(directory)) ?? (await launchUnlessEnded(spec, directory, options))
  if (socket !== undefined) await follow(socket, options)
  options.signal.throwIfAborted()
  const result = await readResult(directory)
  if (result === undefined) throw lost(spec, await lastWords(directory))
  return outcomeOf(name, result)
}

/** @returns the socket of the job that was started; undefined when a result is there to be read, or nothing will come. */
async function launchUnlessEnded(spec: JobSpec, directory: JobDirectory, options: AttachOptions): Promise<Socket | undefined> {
  // The life first, then the result: a job that ended in between has left one.
  const life = await lifeOf(directory)
  const earlier = await readResult(directory)
  if (earlier !== undefined) {
    if (isFinal(spec, earlier)) return undefined
    await forgetResult(directory)
  } else if (life === 'over' && spec.kind === 'capture') {
    return undefined
  }
  // Also where one is still about to end: the next is started when it has.
  if (isEndless(spec)) await replaceSpec(directory, spec)
  if (life !== 'running') await launch(directory)
  return waitForSocket(directory, options, life === 'running' && spec.kind !== 'capture')
}

function isFinal(spec: JobSpec, result: JobResult): boolean {
  if (isEndless(spec)) return false
  return result.outcome === 'done' || spec.kind === 'capture' || !isRetryable(result.code)
}

/** Whatever its end was, it is started again: what was wrong, a secret or the configuration, may have been mended, or moved. */
function isEndless({ kind }: JobSpec): boolean {
  return kind === 'receive-wal' || kind === 'replicate-wal'
}

/** @param words the end of the job's log, '' when it said nothing */
function lost(spec: JobSpec, words: string): HoldfastError {
  const job = jobNameOf(spec)
  const message = `the process of job ${job} ended without a result${words === '' ? '' : `; it said: ${words}`}`
  return jobFailure(job, { code: spec.kind === 'capture' ? 'CAPTURE_LOST' : 'JOB_LOST', message })
}

async function launch(directory: JobDirectory): Promise<void> {
  const main = fileURLToPath(new URL('../bundle/job.cjs', import.meta.url))
  const args = lockedCommand(directory, [process.execPath, ...nodeOptions, main, directory.spec])
  await startDetached({ program: 'flock', args, env: frugal }, { logFile: directory.log, environment: 'inherit' })
}

/**
 * Jobs move megabytes outside of a small heap, which makes V8 collect often. Nobody minds its pauses here, and marking in steps
 * and on other threads costs a third more.
 */
const nodeOptions = ['--max-semi-space-size=1', '--single-threaded-gc', '--no-incremental-marking']
/** Each thread would keep memory of its own. */
const frugal = { MALLOC_ARENA_MAX: '2' }

/**
 * @param startable what holds the lock may be a child that outlives a killed job for a moment: once it is gone the job is started
 * @returns undefined when there is a result, or when the job's process did not come, is gone again, or hangs.
 */
async function waitForSocket(
  directory: JobDirectory,
  { signal, onPulse }: AttachOptions,
  startable: boolean,
): Promise<Socket | undefined> {
  let toStart = startable
  const begunAt = Date.now()
  let seenAt = begunAt
  for (let turn = 1; Date.now() - seenAt < processPatienceMs && Date.now() - begunAt < startPatienceMs; turn += 1) {
    signal.throwIfAborted()
    const socket = await connectTo(directory)
    if (socket !== undefined || (await readResult(directory)) !== undefined) return socket
    if (turn % 10 === 0) {
      if ((await lifeOf(directory)) === 'running') {
        seenAt = Date.now()
        onPulse()
      } else if (toStart) {
        toStart = false
        seenAt = Date.now()
        await launch(directory)
      }
    }
    await delay(50)
  }
  return undefined
}

async function follow(socket: Socket, { signal, onProgress, onPulse }: AttachOptions): Promise<void> {
  const detach = () => socket.destroy()
  signal.addEventListener('abort', detach, { once: true })
  try {
    for await (const message of messagesFrom<JobMessage>(socket)) {
      onPulse()
      if (message.type === 'progress') onProgress(message.progress)
    }
  } finally {
    signal.removeEventListener('abort', detach)
    socket.destroy()
  }
}
