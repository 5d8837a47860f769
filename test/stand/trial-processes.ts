import { existsSync } from 'node:fs'
import { readFile, readlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { jobDirectory } from '../../src/jobs/job-directory.js'
import { extractJobName } from '../../src/jobs/job-spec.js'
import type { JobProcess } from './job-processes.js'
import { processesWithArgument } from './process-table.js'
import type { Stand } from './stand.js'

/** The job that extracts into an instance, while its process runs. */
export function extractJob(stand: Stand, instance: string): JobProcess | undefined {
  const { spec } = jobDirectory(stand.stateDirectory, extractJobName(instance))
  if (!existsSync(spec)) return undefined
  const [found] = processesWithArgument(spec).filter(({ args }) => !args[0]?.endsWith('flock'))
  return found && { pid: found.pid, directory: dirname(spec) }
}

export function extractPid(stand: Stand, instance: string): number | undefined {
  return extractJob(stand, instance)?.pid
}

/** The main process of a restored server, from the moment it runs. */
export async function postmasterPid(stand: Stand, instance: string): Promise<number | undefined> {
  const dataDirectory = join(stand.directory, 'instances', instance, 'data')
  const pid = Number.parseInt(await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8').catch(() => ''), 10)
  const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => undefined)
  return cwd === dataDirectory ? pid : undefined
}

/** Asks until there is an answer. @returns undefined when `over` settles first */
export async function whenThere<T>(
  ask: () => Promise<T | undefined> | T | undefined,
  over: Promise<unknown>,
): Promise<T | undefined> {
  let ended = false
  const end = () => {
    ended = true
  }
  over.then(end, end)
  while (!ended) {
    const answer = await ask()
    if (answer !== undefined) return answer
    await sleep(50)
  }
  return undefined
}

/** SIGKILL. Resolves when nothing is left of the process, not even its place in the table, which PostgreSQL takes for life. */
export async function killAndBury(pid: number): Promise<void> {
  killNow(pid)
  while (existsSync(`/proc/${pid}`)) await sleep(20)
}

/** SIGKILL. One that has just ended by itself is no failure. */
export function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
