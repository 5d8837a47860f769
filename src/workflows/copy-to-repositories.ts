import { CancellationScope, isCancellation, log } from '@temporalio/workflow'
import type { AttemptInput } from '../activities/backup-activities.js'
import type { RepositoryName } from '../domain/ids.js'
import type { Manifest } from '../domain/manifest.js'
import type { CopyState } from '../domain/operations.js'
import type { CopyPlan } from '../domain/plans.js'
import { formatBytes } from '../domain/quantity.js'
import type { BackupRun } from './backup-system.js'
import { failureOf } from './failures.js'
import { partBytesFor } from './part-bytes.js'

type MissingCopy = Extract<CopyState, { state: 'missing' }>

interface Copies {
  /** Waits for every copy, which commits when it is whole and verified. Never throws: what failed is `missing`. */
  finish(manifest: Manifest): Promise<Readonly<Record<RepositoryName, CopyState>>>
  /** Before the point of no return: ends the copies and removes them. */
  discard(): Promise<void>
}

/** Starts feeding all other repositories from a capture that is about to run. */
export function copyToRepositories(run: BackupRun, input: AttemptInput, estimatedBytes: number): Copies {
  const scope = new CancellationScope({ cancellable: true })
  const committedFirst = Promise.withResolvers<Manifest>()
  committedFirst.promise.catch(() => undefined)
  const copying = run.plan.copies.map(async (copy): Promise<[RepositoryName, CopyState]> => {
    const { repository } = copy
    try {
      await scope.run(() => copyOne(run, input, copy, partBytesFor(copy.partBytes, estimatedBytes), committedFirst.promise))
      return [repository, { state: 'committed' }]
    } catch (error) {
      return [repository, { state: 'missing', ...failureOf(error) }]
    }
  })

  return {
    async finish(manifest) {
      committedFirst.resolve(manifest)
      const states = await Promise.all(copying)
      const settled = states.map(([repository, state]) =>
        state.state === 'missing' ? leave(run, input, repository, state) : [repository, state],
      )
      return Object.fromEntries(await Promise.all(settled)) as Record<RepositoryName, CopyState>
    },
    async discard() {
      scope.cancel()
      committedFirst.reject(new Error('the capture failed'))
      await Promise.all(copying)
      await Promise.all(run.plan.copies.map(({ repository }) => removeCopy(run, input, repository)))
    },
  }
}

async function copyOne(
  run: BackupRun,
  input: AttemptInput,
  { repository, deadlineMs }: CopyPlan,
  partBytes: number,
  committedFirst: Promise<Manifest>,
): Promise<void> {
  const { host, board, plan } = run
  await board.step(
    `replicate ${repository}`,
    async () => {
      const watch = (limitMs: number) =>
        host.watching(`replicate to ${repository}`, limitMs).replicateAttempt({ ...input, repository, partBytes })
      const sent = await withDeadlineFrom(committedFirst, deadlineMs, plan.timeouts.captureMs * 2, watch)
      const manifest = await committedFirst
      await host.watching(`verify the copy in ${repository}`, deadlineMs).verifyCopy({ repository }, manifest)
      await CancellationScope.nonCancellable(() =>
        host.watching(`commit in ${repository}`, deadlineMs).commitManifest({ repository }, manifest),
      )
      return sent
    },
    ({ bytesSent, bytesKept, partsKept }) =>
      `${formatBytes(bytesSent + bytesKept)}${partsKept === 0 ? '' : `, ${formatBytes(bytesKept)} of it kept from an earlier try`}`,
  )
}

/**
 * A deadline that begins in the middle of the work, with the first commit. The activity that watches during the capture is then
 * replaced by one that has the deadline: an abort only detaches, and the next one adopts the job where it is.
 */
async function withDeadlineFrom<T>(
  committedFirst: Promise<unknown>,
  deadlineMs: number,
  captureLimitMs: number,
  watch: (limitMs: number) => Promise<T>,
): Promise<T> {
  const capturing = new CancellationScope({ cancellable: true })
  let replaced = false
  const replace = () => {
    replaced = true
    capturing.cancel()
  }
  committedFirst.then(replace, () => undefined)
  try {
    return await capturing.run(() => watch(captureLimitMs))
  } catch (error) {
    // However it ended: with its worker dead it is not cancelled but timed out, and the job says again what it failed with.
    if (!replaced || CancellationScope.current().consideredCancelled) throw error
  }
  return watch(deadlineMs)
}

/** After the point of no return: a copy that is missing is cleaned up if its repository can be reached, and left otherwise. */
async function leave(
  run: BackupRun,
  input: AttemptInput,
  repository: RepositoryName,
  state: MissingCopy,
): Promise<[RepositoryName, CopyState]> {
  switch (await removeCopy(run, input, repository)) {
    case 'committed':
      return [repository, { state: 'committed' }]
    case 'removed':
      return [repository, state]
    case 'left':
      // A place that is not there got nothing.
      return [repository, state.code === 'STORE_MISSING' ? state : { ...state, left: true }]
  }
}

async function removeCopy(
  run: BackupRun,
  input: AttemptInput,
  repository: RepositoryName,
): Promise<'removed' | 'committed' | 'left'> {
  try {
    return await CancellationScope.nonCancellable(() =>
      run.host.light(`remove the copy in ${repository}`).discardReplica({ ...input, repository }),
    )
  } catch (error) {
    if (isCancellation(error)) throw error
    log.warn('a copy could not be removed, and is left', { repository, error: failureOf(error).message })
    return 'left'
  }
}
