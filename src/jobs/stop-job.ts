import { readdir, readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { HoldfastError } from '../domain/errors.js'
import { connectTo } from './connect-job.js'
import { hasCode, type JobDirectory, jobDirectory, removeJobDirectory } from './job-directory.js'
import { lifeOf } from './job-lock.js'
import { type JobMessage, messagesFrom, send } from './protocol.js'

/** Time a job is usually given to stop by itself before it is killed. */
export const stopGraceMs = 10_000

/** Beyond the grace: time a killed process may take to be gone. */
const endPatienceMs = 30_000

/**
 * Asks a job to stop, kills it when it has not within `graceMs`, and removes what it left in the state directory.
 * Nothing there is success.
 */
export async function stopJob(stateDirectory: string, jobName: string, graceMs: number): Promise<void> {
  const directory = jobDirectory(stateDirectory, jobName)
  const killAt = Date.now() + graceMs
  const giveUpAt = killAt + endPatienceMs
  while ((await lifeOf(directory)) === 'running') {
    const socket = await connectTo(directory)
    if (socket !== undefined) await stopThrough(socket, directory, graceMs)
    // Not up yet, or it hangs at its very end.
    else if (Date.now() > killAt) await killJob(directory)
    if (Date.now() > giveUpAt) throw new HoldfastError('LOCAL_IO', `job ${jobName} does not end; it holds ${directory.lock}`)
    await delay(50)
  }
  await removeJobDirectory(directory)
}

/** Until the job has closed the connection, or was killed. */
async function stopThrough(socket: Socket, directory: JobDirectory, graceMs: number): Promise<void> {
  let killing: Promise<void> | undefined
  const timer = setTimeout(() => {
    killing = killJob(directory)
    socket.destroy()
  }, graceMs)
  try {
    send(socket, { type: 'stop' })
    for await (const _ of messagesFrom<JobMessage>(socket));
    await killing
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

/** By its command line, for a job that hangs tells nobody its pid: nothing else has this spec as its last argument. */
async function killJob(directory: JobDirectory): Promise<void> {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const commandLine = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
    if (commandLine.endsWith(`\0${directory.spec}\0`)) killIfThere(Number(name))
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error
  }
}
