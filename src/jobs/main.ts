import { dirname } from 'node:path'
import { compose } from '../composition/compose.js'
import { loadConfig } from '../config/load-config.js'
import { HoldfastError, toHoldfastError } from '../domain/errors.js'
import { redactText } from '../domain/redact-text.js'
import type { JobContext } from './job-context.js'
import { type JobDirectory, type JobResult, jobDirectory, readResult, readSpec, writeResult } from './job-directory.js'
import { hasBegun } from './job-lock.js'
import { type JobSpec, jobNameOf } from './job-spec.js'
import { type ServedJob, serveJob } from './serve-job.js'
import { watchPresence } from './worker-presence.js'

/*
 * A job: `node main.js <spec.json>`, started under the lock beside the spec. It serves its socket, does its work,
 * writes result.json and ends. A job that is killed leaves no result; who asked for it decides what that means.
 */

const [specPath] = process.argv.slice(2)
if (specPath === undefined) throw new HoldfastError('USAGE', 'a job needs the path of its spec')
// Not awaited: a module that waits could not be bundled as one that is loaded at once. What it rejects with ends the process.
void runJob(specPath)

async function runJob(path: string): Promise<void> {
  // A terminal's Ctrl-C or a service manager's SIGTERM is meant for the worker; only the socket stops a job.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => undefined)
  const spec = await readSpec(path)
  // The state directory is where the spec lies, whatever the configuration says by now.
  const stateDirectory = dirname(dirname(dirname(path)))
  const directory = jobDirectory(stateDirectory, jobNameOf(spec))
  if (await isDone(spec, directory)) endAtOnce()
  const served = await serveJob(directory)
  const result = await resultOf(spec, stateDirectory, served)
  await writeResult(directory, result)
  await served.close()
  endAtOnce()
}

/**
 * Not `process.exit()`, which waits for V8's threads: one that compiles may wait for a collection that this thread does not come to any
 * more, and a job that has ended would hold its lock for ever (https://github.com/nodejs/node/issues/54918, seen with 24.21). The
 * result is durable, and nobody reads a status.
 */
function endAtOnce(): never {
  process.kill(process.pid, 'SIGKILL')
  throw new Error('a process outlived SIGKILL')
}

/** We hold the lock, so whoever began this work before is gone; those who asked for it twice at once want it done once. */
async function isDone(spec: JobSpec, directory: JobDirectory): Promise<boolean> {
  return (await readResult(directory)) !== undefined || (spec.kind === 'capture' && (await hasBegun(directory)))
}

async function resultOf(spec: JobSpec, stateDirectory: string, served: ServedJob): Promise<JobResult> {
  try {
    const loaded = await loadConfig({ path: spec.configPath, env: process.env })
    const patienceMs = loaded.config.timeouts.jobPatienceMs
    const presence = watchPresence(stateDirectory, patienceMs, () => served.stop(abandoned(spec, patienceMs)))
    try {
      const composition = await compose(loaded, process.env)
      return { outcome: 'done', value: await perform(spec, { composition, stateDirectory, voice: served }) }
    } finally {
      presence.stop()
    }
  } catch (error) {
    const known = toHoldfastError(served.signal.aborted ? served.signal.reason : error)
    if (known.code === 'INTERNAL') process.stderr.write(`${redactText(known.stack ?? known.message)}\n`)
    return { outcome: 'failed', code: known.code, message: redactText(known.message), hint: known.hint }
  }
}

/** Each loads what it needs: a start that loads everything takes half as long again, and as much memory. */
async function perform(spec: JobSpec, context: JobContext): Promise<unknown> {
  switch (spec.kind) {
    case 'capture': {
      const { runCapture } = await import('./run-capture.js')
      return runCapture(spec, context)
    }
    case 'replicate': {
      const { runReplicate } = await import('./run-replicate.js')
      return runReplicate(spec, context)
    }
    case 'extract': {
      const { runExtract } = await import('./run-extract.js')
      return runExtract(spec, context)
    }
    case 'fill': {
      const { runFill } = await import('./run-fill.js')
      return runFill(spec, context)
    }
    case 'receive-wal': {
      const { runReceiveWal } = await import('./wal/run-receive-wal.js')
      return runReceiveWal(spec, context)
    }
    case 'replicate-wal': {
      const { runReplicateWal } = await import('./wal/run-replicate-wal.js')
      return runReplicateWal(spec, context)
    }
    case 'prefetch-wal': {
      const { runPrefetchWal } = await import('./run-prefetch-wal.js')
      return runPrefetchWal(spec, context)
    }
  }
}

function abandoned(spec: JobSpec, patienceMs: number): HoldfastError {
  const message = `no worker has been on this host for ${Math.round(patienceMs / 1000)} s`
  return new HoldfastError(spec.kind === 'capture' ? 'CAPTURE_LOST' : 'JOB_LOST', message, {
    hint: 'start `holdfast worker`; timeouts.jobPatience says how long a job waits for one',
  })
}
