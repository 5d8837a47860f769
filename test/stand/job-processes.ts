import { access, readdir, readFile } from 'node:fs/promises'
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
    const job = await findJob(stateDirectory, wanted)
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
  if (!(await isAlive(job))) return 'over'
  await killForGood(job.pid)
  return (await hasResult(job)) ? 'with a result' : 'without a result'
}

/** Whether it is there, and has not said how it ended. */
export async function isAtWork(job: JobProcess): Promise<boolean> {
  return (await isAlive(job)) && !(await hasResult(job))
}

async function isAlive({ pid, directory }: JobProcess): Promise<boolean> {
  return (await processesWithArgument(join(directory, 'spec.json'))).some((living) => living.pid === pid)
}

/** Whether a job has said how it ended. */
export function hasResult(job: JobProcess): Promise<boolean> {
  return exists(join(job.directory, 'result.json'))
}

/** Systems one of whose jobs of a kind has done its work, and has said so. */
export async function systemsDone(stateDirectory: string, kind: WantedJob['kind']): Promise<string[]> {
  const systems: string[] = []
  for (const name of await readdir(join(stateDirectory, 'jobs')).catch(() => [])) {
    const directory = join(stateDirectory, 'jobs', name)
    const spec = await readDocument(join(directory, 'spec.json'))
    const result = await readDocument(join(directory, 'result.json'))
    if (spec.kind === kind && result.outcome === 'done') systems.push(String(spec.system))
  }
  return systems
}

async function findJob(stateDirectory: string, wanted: WantedJob): Promise<JobProcess | undefined> {
  for (const name of await readdir(join(stateDirectory, 'jobs')).catch(() => [])) {
    const directory = join(stateDirectory, 'jobs', name)
    const specFile = join(directory, 'spec.json')
    if (!matches(await readDocument(specFile), wanted) || !(await exists(join(directory, 'sock')))) continue
    const [found] = (await processesWithArgument(specFile)).filter(({ args }) => !args[0]?.endsWith('flock'))
    if (found !== undefined) return { pid: found.pid, directory }
  }
  return undefined
}

function matches(spec: Readonly<Record<string, unknown>>, { kind, system, attempt, to }: WantedJob): boolean {
  if (spec.kind !== kind || spec.system !== system || (to !== undefined && spec.to !== to)) return false
  return attempt === undefined || spec.attempt === attempt
}

async function readDocument(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch {
    // Half written, or removed meanwhile.
    return {}
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
