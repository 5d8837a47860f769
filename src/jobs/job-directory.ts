import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type ErrorCode, HoldfastError, isErrorCode } from '../domain/errors.js'
import { jobFailure } from './job-failure.js'
import { type JobSpec, jobDirectoryName, jobNameOf, parseJobSpec } from './job-spec.js'

/**
 * What a job leaves on disk, below `<state directory>/jobs/<16 hex digits>/`:
 * `spec.json` (what to do), `lock` (held for life: the job is the only one), `sock` (connecting adopts it),
 * `log`, and at its end `result.json`. All of it is removed by the one who asked for the job, never by the job.
 */
export interface JobDirectory {
  readonly path: string
  readonly spec: string
  readonly lock: string
  readonly socket: string
  readonly log: string
  readonly result: string
}

/** How a job ended. Written once, by the job. */
export type JobResult =
  | { readonly outcome: 'done'; readonly value: unknown }
  | { readonly outcome: 'failed'; readonly code: ErrorCode; readonly message: string; readonly hint: string }

export function jobDirectory(stateDirectory: string, jobName: string): JobDirectory {
  const path = join(stateDirectory, 'jobs', jobDirectoryName(jobName))
  return {
    path,
    spec: join(path, 'spec.json'),
    lock: join(path, 'lock'),
    socket: join(path, 'sock'),
    log: join(path, 'log'),
    result: join(path, 'result.json'),
  }
}

/**
 * Whole or not at all: another who wants the same job may start it the moment the spec is there.
 * @returns whether the spec is new; an earlier one for the same job is kept.
 */
export async function writeSpecOnce(directory: JobDirectory, spec: JobSpec): Promise<boolean> {
  const temporary = `${directory.spec}.${randomUUID()}`
  try {
    await mkdir(directory.path, { recursive: true, mode: 0o700 })
    await writeWhole(temporary, JSON.stringify(spec))
    await link(temporary, directory.spec)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw new HoldfastError('LOCAL_IO', `cannot write the spec of job ${jobNameOf(spec)}`, { cause: error })
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Of a job that is not running: whoever starts it reads the old one or the new one, whole. */
export async function replaceSpec(directory: JobDirectory, spec: JobSpec): Promise<void> {
  const temporary = `${directory.spec}.${randomUUID()}`
  await writeWhole(temporary, JSON.stringify(spec))
  await rename(temporary, directory.spec)
}

export async function readSpec(path: string): Promise<JobSpec> {
  return parseJobSpec(await readFile(path, 'utf8'))
}

/** Whole or not at all, and durable: a reader never sees half a result. */
export async function writeResult(directory: JobDirectory, result: JobResult): Promise<void> {
  const temporary = `${directory.result}.tmp`
  await rm(temporary, { force: true })
  await writeWhole(temporary, JSON.stringify(result))
  await rename(temporary, directory.result)
}

async function writeWhole(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

export async function readResult(directory: JobDirectory): Promise<JobResult | undefined> {
  try {
    return JSON.parse(await readFile(directory.result, 'utf8')) as JobResult
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw new HoldfastError('LOCAL_IO', `cannot read the result of a job in ${directory.path}`, { cause: error })
  }
}

export async function forgetResult(directory: JobDirectory): Promise<void> {
  await rm(directory.result, { force: true })
}

/** @throws HoldfastError LOCAL_IO, to be tried again */
export async function removeJobDirectory({ path }: JobDirectory): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true })
  } catch (error) {
    throw new HoldfastError('LOCAL_IO', `cannot remove what a job left in ${path}`, { cause: error })
  }
}

/** @throws the error a job ended with. */
export function outcomeOf(jobName: string, result: JobResult): unknown {
  if (result.outcome === 'done') return result.value
  const code = isErrorCode(result.code) ? result.code : 'INTERNAL'
  throw jobFailure(jobName, { code, message: result.message, hint: result.hint })
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
