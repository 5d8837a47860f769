import { setTimeout as sleep } from 'node:timers/promises'
import { backupWorkflowId } from '../../src/domain/contract-names.js'
import type { BackupReport } from '../../src/domain/operations.js'
import { formatBytes } from '../../src/domain/quantity.js'
import type { Replicated } from '../../src/jobs/replication-count.js'
import { type StoredPiece, storedPieces, storedTwice } from './access-log.js'
import type { Demo } from './demo.js'
import { runHoldfast, startWorker } from './holdfast.js'
import { isAlive, killHard } from './own-processes.js'
import { awaitJob, findJob, type Job, progressOf } from './watch-jobs.js'
import { system } from './write-configuration.js'

/** About half of what will be sent. */
const partsBeforeKill = 14

const workflowId = backupWorkflowId(system, 'full')

/** A full backup to both repositories, through two crashes. */
export async function tellBackup(demo: Demo): Promise<void> {
  const { story, places } = demo
  story.chapter('A full backup, to the local repository and to S3 at once')
  const worker = await startWorker(places)
  story.say(`worker ready, pid ${worker}`)
  await runHoldfast(story, places, 'wal', 'start', system)
  const over = new AbortController()
  const backup = runHoldfast(story, places, 'backup', system).finally(() => over.abort(new Error('the backup is over already')))
  backup.catch(() => undefined)
  const stop = AbortSignal.any([over.signal, demo.signal])
  try {
    const second = await killWorkerDuringCapture(demo, worker, stop)
    const storedBefore = await killBothDuringUpload(demo, second, stop)
    await backup
    await proveParts(demo, storedBefore)
  } catch (error) {
    // Its own failure says more than what was missed because of it.
    if (over.signal.aborted) await backup
    throw error
  }
}

/** @returns the pid of the next worker */
async function killWorkerDuringCapture({ story, places, control }: Demo, worker: number, over: AbortSignal): Promise<number> {
  const job = await awaitJob(places, 'capture', over)
  const readAtKill = await whenCaptured(job, 0.2, over)
  story.chapter('The worker is killed in the middle of the capture')
  story.command(`kill -9 ${worker}`)
  await killHard(worker)
  story.say(`worker ${worker} is dead; the capture, a process of its own, is at ${formatBytes(readAtKill)}`)
  await sleep(2000, undefined, { signal: over })
  const readWithout = (await progressOf(job))?.doneBytes ?? 0
  if (readWithout > readAtKill) story.proof(`2 s without any worker: job ${job.pid} is at ${formatBytes(readWithout)}`)
  else story.objection(`job ${job.pid} does not go on without a worker (${formatBytes(readWithout)})`)
  const next = await startWorker(places)
  story.say(`new worker, pid ${next}; Temporal gives it the work when the old one has been silent for 4 s`)
  const tryNumber = await control.tryAt(workflowId, 'captureAttempt', next, over)
  const same = await findJob(places, 'capture')
  if (tryNumber === undefined || (same !== undefined && same.pid !== job.pid)) {
    story.objection(`the capture was not adopted: try ${tryNumber}, job ${job.pid} before and ${same?.pid} after`)
  } else if (same === undefined) {
    story.proof(`job ${job.pid} came to its end without a worker; try ${tryNumber}, in worker ${next}, takes what it left`)
  } else {
    story.proof(`try ${tryNumber} of the activity, in worker ${next}, adopted job ${same.pid}: still attempt ${same.attempt}`)
  }
  return next
}

/** @returns what the S3 server held when nothing was left that could send */
async function killBothDuringUpload({ story, places }: Demo, worker: number, over: AbortSignal): Promise<StoredPiece[]> {
  const job = await awaitJob(places, 'replicate', over)
  while ((await storedPieces(places.accessLog)).length < partsBeforeKill) await sleep(100, undefined, { signal: over })
  story.chapter('In the middle of the upload its job is killed, and the worker with it')
  const progress = await progressOf(job)
  story.command(`kill -9 ${worker} ${job.pid}`)
  await killHard(worker, job.pid)
  story.say(`dead after ${formatBytes(progress?.doneBytes ?? 0)}`)
  await quiet(places.accessLog)
  const stored = await storedPieces(places.accessLog)
  story.say(`the S3 server holds ${stored.length} parts, by its own access log`)
  const next = await startWorker(places)
  const resumed = await awaitJob(places, 'replicate', over)
  story.proof(`new worker, pid ${next}; it started the replicate job again, pid ${resumed.pid} (was ${job.pid})`)
  if (await isAlive(job.pid)) story.objection(`job ${job.pid} should be dead`)
  return stored
}

async function proveParts({ story, places, control }: Demo, before: readonly StoredPiece[]): Promise<void> {
  const report = await control.report<BackupReport>(workflowId)
  const job = await control.resultOf<Replicated>(workflowId, 'replicateAttempt')
  const all = await storedPieces(places.accessLog)
  const sent = all.length - before.length
  const twice = storedTwice(all)
  if (report.attempts === 1 && report.outcome === 'complete') story.proof('one attempt, complete: both repositories committed')
  else story.objection(`${report.outcome} after ${report.attempts} attempts`)
  const counts = `parts kept ${job?.partsKept}, parts sent ${job?.partsSent}`
  if (job?.partsKept === before.length && job.partsSent === sent && before.length > 0)
    story.proof(`the second replicate job: ${counts}`)
  else story.objection(`the second replicate job says ${counts}; the server held ${before.length} and was sent ${sent} more`)
  if (twice.length === 0) story.proof(`by the S3 server's log: ${before.length} + ${sent} parts, none of them stored twice`)
  else story.objection(`stored twice: ${twice.join(', ')}`)
}

/** Waits until a share of the server's own estimate is read. @returns bytes read */
async function whenCaptured(job: Job, share: number, over: AbortSignal): Promise<number> {
  for (;;) {
    over.throwIfAborted()
    const { doneBytes = 0, totalBytes } = (await progressOf(job)) ?? {}
    if (totalBytes !== undefined && doneBytes > share * totalBytes) return doneBytes
    await sleep(100)
  }
}

/** A part whose bytes had all arrived is still stored after its sender's death. */
async function quiet(accessLog: string): Promise<void> {
  for (let seen = -1, now = 0; seen !== now; ) {
    seen = now
    await sleep(500)
    now = (await storedPieces(accessLog)).length
  }
}
