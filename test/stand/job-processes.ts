import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { killForGood, processesWithArgument } from './process-table.js'

export interface WantedJob {
  readonly kind: 'capture' | 'replicate' | 'extract' | 'fill' | 'receive-wal' | 'replicate-wal'
  readonly system: string
  /** `a1`; any where left out. */
  readonly attempt?: string
  /** Of a replication of WAL: to which repository. */
  readonly to?: string
}

/** A job that lives, or lived when it was looked for. */
export interface JobProcess {
  readonly pid: number
  /** `<state directory>/jobs/<16 hex digits>` */
  readonly directory: string
}

/** Waits until a job's process is up, its socket bound. @throws when there is none within `patienceMs` */
export async function awaitJob(stateDirectory: string, wanted: WantedJob, patienceMs = 60_000): Promise<JobProcess> {
  const giveUpAt = Date.now() + patienceMs
  while (Date.now() < giveUpAt) {
    const job = findJob(stateDirectory, wanted)
    if (job !== undefined) return job
    await sleep(25)
  }
  throw new Error(`no ${wanted.kind} job of ${wanted.system} within ${patienceMs} ms`)
}

/**
 * SIGKILL. `without a result`: whatever it did is not known to anybody; `with a result`: it had done its work; `over`: it had ended
 * by itself before. Nothing else that has its pid by now is touched.
 */
export async function killJob(job: JobProcess): Promise<'without a result' | 'with a result' | 'over'> {
  if (!isAlive(job)) return 'over'
  await killForGood(job.pid)
  return hasResult(job) ? 'with a result' : 'without a result'
}

/** Whether it is there, and has not said how it ended. */
export function isAtWork(job: JobProcess): boolean {
  return isAlive(job) && !hasResult(job)
}

function isAlive({ pid, directory }: JobProcess): boolean {
  return processesWithArgument(join(directory, 'spec.json')).some((living) => living.pid === pid)
}

/** Whether a job has said how it ended. */
export function hasResult(job: JobProcess): boolean {
  return existsSync(join(job.directory, 'result.json'))
}

/** Systems one of whose jobs of a kind has done its work, and has said so. */
export function systemsDone(stateDirectory: string, kind: WantedJob['kind']): string[] {
  const systems: string[] = []
  for (const directory of jobDirectories(stateDirectory)) {
    const spec = readDocument(join(directory, 'spec.json'))
    const result = readDocument(join(directory, 'result.json'))
    if (spec.kind === kind && result.outcome === 'done') systems.push(String(spec.system))
  }
  return systems
}

function findJob(stateDirectory: string, wanted: WantedJob): JobProcess | undefined {
  for (const directory of jobDirectories(stateDirectory)) {
    const specFile = join(directory, 'spec.json')
    if (!matches(readDocument(specFile), wanted) || !existsSync(join(directory, 'sock'))) continue
    const [found] = processesWithArgument(specFile).filter(({ args }) => !args[0]?.endsWith('flock'))
    if (found !== undefined) return { pid: found.pid, directory }
  }
  return undefined
}

function jobDirectories(stateDirectory: string): string[] {
  const jobs = join(stateDirectory, 'jobs')
  try {
    return readdirSync(jobs).map((name) => join(jobs, name))
  } catch {
    // Before the first one.
    return []
  }
}

function matches(spec: Readonly<Record<string, unknown>>, { kind, system, attempt, to }: WantedJob): boolean {
  if (spec.kind !== kind || spec.system !== system || (to !== undefined && spec.to !== to)) return false
  return attempt === undefined || spec.attempt === attempt
}

function readDocument(path: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    // Half written, or removed meanwhile.
    return {}
  }
}
