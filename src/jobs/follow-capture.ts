import { setTimeout as delay } from 'node:timers/promises'
import { HoldfastError } from '../domain/errors.js'
import type { StoredCapture } from '../domain/manifest.js'
import { connectTo } from './connect-job.js'
import { type JobDirectory, jobDirectory, outcomeOf, readResult } from './job-directory.js'
import { lifeOf } from './job-lock.js'
import { type JobMessage, messagesFrom } from './protocol.js'

interface FollowOptions {
  readonly stateDirectory: string
  /** Name of the capture job on this host. It need not have begun: it may wait for a slot. */
  readonly captureJob: string
  /** Called once for each artifact, when its file is there. */
  readonly onArtifact: (name: string) => void
  readonly signal: AbortSignal
}

const pollMs = 200

/**
 * Listens to a capture until its end.
 * @returns what was captured. @throws the capture's own error; CAPTURE_LOST when its process died.
 */
export async function followCapture(options: FollowOptions): Promise<StoredCapture> {
  const directory = jobDirectory(options.stateDirectory, options.captureJob)
  for (;;) {
    options.signal.throwIfAborted()
    const result = await readResult(directory)
    if (result !== undefined) return outcomeOf(options.captureJob, result) as StoredCapture
    const heard = await listen(directory, options)
    if (heard === 'silence') await insistOnLife(directory, options.captureJob)
  }
}

/** @returns `silence` when nobody is at the socket; else when the capture's process has closed it. */
async function listen(directory: JobDirectory, { onArtifact, signal }: FollowOptions): Promise<'ended' | 'silence'> {
  const socket = await connectTo(directory)
  if (socket === undefined) return 'silence'
  const hangUp = () => socket.destroy()
  signal.addEventListener('abort', hangUp, { once: true })
  try {
    for await (const message of messagesFrom<JobMessage>(socket)) if (message.type === 'announcement') onArtifact(message.text)
  } finally {
    signal.removeEventListener('abort', hangUp)
    socket.destroy()
  }
  return 'ended'
}

async function insistOnLife(directory: JobDirectory, captureJob: string): Promise<void> {
  const life = await lifeOf(directory)
  // A result may have come between the two looks: the next round reads it.
  if (life === 'over' && (await readResult(directory)) === undefined) {
    throw new HoldfastError('CAPTURE_LOST', `the process of job ${captureJob} ended without a result`)
  }
  await delay(pollMs)
}
