import { setTimeout as sleep } from 'node:timers/promises'
import type { HeldRequest } from '../servers/s3-proxy.js'
import { awaitJob, isAtWork, type JobProcess, killJob } from '../stand/job-processes.js'
import type { Random } from '../stand/random.js'
import { whenCommittedLocally } from './committed.js'
import type { KillStand } from './kill-stand.js'
import { holdAt, nextPartOf, type Of, type UploadMoment } from './upload-moments.js'

/** Who is killed. */
export type Victim = 'worker' | 'job' | 'worker and job'

/** When. */
export type Stage =
  | 'during capture'
  | 'during upload'
  | 'between last part and manifest'
  | 'between the commits of two repositories'

export interface Target {
  readonly stand: KillStand
  readonly victim: Victim
  /** The attempt of the backup that is to be met. */
  readonly of: Of
  readonly random: Random
  /**
   * The completion of the last artifact, waited for since the backup began: while strikes at a worker wait for one another, its job
   * goes on. A job that is killed begins again, and its completion is waited for when its turn comes.
   */
  readonly completion: Promise<HeldRequest> | undefined
  /** When the backup is over nobody is killed any more. */
  readonly over: AbortSignal
}

/** A capture takes longer. */
const captureMs = 3000
/** About as long as a part takes, several uploads at a time. */
const partMs = 1500
/** The backup, if nothing else, ends before. */
const patienceMs = 120_000

/** Waits for a moment of chance in a stage of a backup, and kills. @returns whether the stage was not over, nor the job's work done */
export function strike(target: Target, stage: Stage): Promise<boolean> {
  switch (stage) {
    case 'during capture':
      return strikeCapture(target)
    case 'during upload':
      return strikeUpload(target)
    case 'between last part and manifest':
      return strikeHeld(
        target,
        target.victim === 'worker' ? ['before manifest', 'after manifest'] : ['before complete', 'after complete'],
      )
    case 'between the commits of two repositories':
      return strikeHeld(target, ['before complete'], () => whenCommittedLocally(target.stand, target.of.system))
  }
}

async function strikeCapture(target: Target): Promise<boolean> {
  const delayMs = target.random.between(0, captureMs)
  const job = await awaitJob(target.stand.stateDirectory, { kind: 'capture', ...target.of }, patienceMs)
  await sleep(delayMs)
  return kill(target, job)
}

async function strikeUpload(target: Target): Promise<boolean> {
  const { stand, of, random, completion } = target
  const delayMs = random.between(0, partMs)
  const job = await awaitJob(stand.stateDirectory, { kind: 'replicate', ...of }, patienceMs)
  const next = nextPartOf(stand, of).then(() => 'a part')
  if ((await Promise.race(completion === undefined ? [next] : [next, completion])) !== 'a part') return false
  await sleep(delayMs)
  return kill(target, job)
}

/** While a request is held. Of those of a manifest nobody but the worker knows. */
async function strikeHeld(
  target: Target,
  moments: readonly [UploadMoment, ...UploadMoment[]],
  also: () => Promise<void> = async () => undefined,
): Promise<boolean> {
  const { stand, victim, of, random, over } = target
  const moment = random.pick(moments)
  const delayMs = random.between(0, 300)
  const holding = moment === 'before complete' ? target.completion : undefined
  const [held] = await Promise.all([holding ?? holdAt(stand, of, moment, over), also()])
  try {
    await sleep(delayMs)
    return await kill(
      target,
      victim === 'worker' ? undefined : await awaitJob(stand.stateDirectory, { kind: 'replicate', ...of }, patienceMs),
    )
  } finally {
    // By then the proxy has seen that a sender is dead, whose request must not reach the store.
    await sleep(500)
    held.release()
  }
}

/** In an order of chance. @param job that is to be met at its work; where there is none, the moment is proof enough */
function kill({ stand, victim, random, over }: Target, job?: JobProcess): Promise<boolean> {
  const workerFirst = random.pick([true, false])
  return stand.worker.during(async () => {
    if (over.aborted) return false
    if (victim !== 'job' && workerFirst) await stand.worker.kill()
    let met = true
    if (job !== undefined) met = victim === 'worker' ? isAtWork(job) : (await killJob(job)) === 'without a result'
    if (victim !== 'job' && !workerFirst) await stand.worker.kill()
    return met
  })
}
