import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Progress } from '../../src/domain/progress.js'
import { connectTo } from '../../src/jobs/connect-job.js'
import type { JobDirectory } from '../../src/jobs/job-directory.js'
import { type JobMessage, messagesFrom } from '../../src/jobs/protocol.js'
import { ownProcesses } from './own-processes.js'
import type { Places } from './places.js'

/** A job that lives. */
export interface Job {
  readonly pid: number
  readonly attempt: string
  readonly directory: string
}

/** Waits for a job's process. @throws when `over` is reached first: it will not come any more */
export async function awaitJob(places: Places, kind: 'capture' | 'replicate', over: AbortSignal): Promise<Job> {
  for (;;) {
    over.throwIfAborted()
    const job = await findJob(places, kind)
    if (job !== undefined) return job
    await sleep(50)
  }
}

export async function findJob(places: Places, kind: 'capture' | 'replicate'): Promise<Job | undefined> {
  for (const { pid, program, args } of await ownProcesses(places.directory)) {
    const specFile = args.find((arg) => arg.startsWith(`${places.stateDirectory}/jobs/`) && arg.endsWith('/spec.json'))
    if (program !== 'node' || specFile === undefined) continue
    const spec = JSON.parse(await readFile(specFile, 'utf8').catch(() => '{}')) as { kind?: string; attempt?: string }
    if (spec.kind === kind) return { pid, attempt: spec.attempt ?? '', directory: dirname(specFile) }
  }
  return undefined
}

/** What the job says of itself at its socket, to whoever connects. Undefined when it is over, or has nothing to say yet. */
export async function progressOf({ directory }: Job): Promise<Progress | undefined> {
  const socket = await connectTo({ socket: `${directory}/sock` } as JobDirectory)
  if (socket === undefined) return undefined
  try {
    for await (const message of messagesFrom<JobMessage>(socket)) {
      if (message.type === 'progress') return message.progress
      if (message.type === 'pulse') return undefined
    }
    return undefined
  } finally {
    socket.destroy()
  }
}
