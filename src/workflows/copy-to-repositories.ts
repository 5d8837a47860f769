import { CancellationScope } from '@temporalio/workflow'
import type { AttemptInput } from '../activities/backup-activities.js'
import type { RepositoryName } from '../domain/ids.js'
import type { Manifest } from '../domain/manifest.js'
import type { CopyState } from '../domain/operations.js'
import type { CopyPlan } from '../domain/plans.js'
import { formatBytes } from '../domain/quantity.js'
import type { BackupRun } from './backup-system.js'
import { failureOf } from './failures.js'
import { partBytesFor } from './part-bytes.js'
import { type Removal, removeCopy } from './remove-copy.js'

type MissingCopy = Extract<CopyState, { state: 'missing' }>

interface Copying {
  readonly repository: RepositoryName
  /** Never rejects. */
  readonly ended: Promise<CopyState>
}

interface Copies {
  /** Waits for every copy, which commits when it is whole and verified. Never throws: what failed is `missing`. */
  finish(manifest: Manifest): Promise<Readonly<Record<RepositoryName, CopyState>>>
  /** Before the point of no return: ends the copies. Waits until nobody watches them, and not until they are removed. */
  discard(): Promise<void>
}

/** Starts feeding all other repositories from a capture that is about to run. */
export function copyToRepositories(run: BackupRun, input: AttemptInput, estimatedBytes: number): Copies {
  const scope = new CancellationScope({ cancellable: true })
  const committedFirst = Promise.withResolvers<Manifest>()
  committedFirst.promise.catch(() => undefined)
  const copyUntilEnded = async (copy: CopyPlan): Promise<CopyState> => {
    try {
      await scope.run(() => copyOne(run, input, copy, partBytesFor(copy.partBytes, estimatedBytes), committedFirst.promise))
      return { state: 'committed' }
    } catch (error) {
      return { state: 'missing', ...failureOf(error) }
    }
  }
  const copying = run.plan.copies.map((copy) => ({ repository: copy.repository, ended: copyUntilEnded(copy) }))

  return {
    async finish(manifest) {
      committedFirst.resolve(manifest)
      const states = await Promise.all(copying.map(async ({ repository, ended }) => [repository, await ended] as const))
      const settled = states.map(([repository, state]) =>
        state.state === 'missing' ? leave(run, input, repository, state) : [repository, state],
      )
      return Object.fromEntries(await Promise.all(settled)) as Record<RepositoryName, CopyState>
    },
    async discard() {
      scope.cancel()
      committedFirst.reject(new Error('the capture failed'))
      for (const copy of copying) run.givenUp.add(input, copy.repository, discardOne(run, input, copy))
      await Promise.all(copying.map(({ ended }) => ended))
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
  switch (await removeCopy(run.host, input, repository)) {
    case 'committed':
      return [repository, { state: 'committed' }]
    case 'removed':
      return [repository, state]
    case 'left':
      return [repository, gotNothing(state) ? state : { ...state, left: true }]
  }
}

async function discardOne(run: BackupRun, input: AttemptInput, { repository, ended }: Copying): Promise<Removal> {
  const state = await ended
  const removal = await removeCopy(run.host, input, repository)
  return removal === 'left' && gotNothing(state) ? 'removed' : removal
}

/** A place that was not there. */
function gotNothing(state: CopyState): boolean {
  return state.state === 'missing' && state.code === 'STORE_MISSING'
}
