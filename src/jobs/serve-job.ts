import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { HoldfastError } from '../domain/errors.js'
import type { Progress } from '../domain/progress.js'
import type { JobDirectory } from './job-directory.js'
import { type JobCommand, type JobMessage, messagesFrom, send } from './protocol.js'

/** What a job may say while it runs. */
export interface JobVoice {
  /** Aborted by `stop` from outside, or when no worker has been there for longer than the patience. */
  readonly signal: AbortSignal
  /** The newest counts; sent at most every 250 ms, and once a second as a pulse. */
  progress(progress: Progress): void
  /** A fact for other jobs that they must not miss: told to everyone who connects, from the first on. */
  announce(text: string): void
}

/** The job's own end: `close` when the result is written. */
export interface ServedJob extends JobVoice {
  stop(reason: HoldfastError): void
  close(): Promise<void>
}

/**
 * Binds the job's socket. The caller holds the job's lock, so a socket that is there belongs to a dead predecessor.
 */
export async function serveJob(directory: JobDirectory): Promise<ServedJob> {
  const controller = new AbortController()
  const clients = new Set<Socket>()
  const announcements: string[] = []
  let latest: Progress | undefined
  let told: Progress | undefined

  const server = createServer((client) => {
    clients.add(client)
    client.on('close', () => clients.delete(client))
    send(client, { type: 'hello', pid: process.pid })
    for (const text of announcements) send(client, { type: 'announcement', text })
    if (latest !== undefined) send(client, { type: 'progress', progress: latest })
    void listenForStop(client, () => controller.abort(stoppedFromOutside()))
  })
  await rm(directory.socket, { force: true })
  await listen(server, directory.socket)
  await chmod(directory.socket, 0o600)

  // At least once a second, also when nothing changed: a watcher takes it as the pulse of the process that does the work.
  let ticks = 0
  const timer = setInterval(() => {
    ticks += 1
    if (latest === told && ticks % 4 !== 0) return
    told = latest
    const message: JobMessage = latest === undefined ? { type: 'pulse' } : { type: 'progress', progress: latest }
    for (const client of clients) if (client.writableLength < backlogBytes) send(client, message)
  }, 250)

  return {
    signal: controller.signal,
    progress(progress) {
      // What says nothing new is left to the pulse.
      if (JSON.stringify(progress) !== JSON.stringify(latest)) latest = progress
    },
    announce(text) {
      announcements.push(text)
      for (const client of clients) send(client, { type: 'announcement', text })
    },
    stop: (reason) => controller.abort(reason),
    async close() {
      clearInterval(timer)
      await rm(directory.socket, { force: true })
      server.close()
      for (const client of clients) client.end()
    },
  }
}

/** Who does not read what we say gets no more of it, but for announcements: it must not cost us memory. */
const backlogBytes = 64 * 1024

function stoppedFromOutside(): HoldfastError {
  return new HoldfastError('STOPPED', 'the job was told to stop')
}

async function listenForStop(client: Socket, stop: () => void): Promise<void> {
  for await (const command of messagesFrom<JobCommand>(client)) {
    if (command.type === 'stop') stop()
  }
}

async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
}
