import { CancellationScope, log } from '@temporalio/workflow'
import type { AttemptInput } from '../activities/backup-activities.js'
import type { RepositoryName } from '../domain/ids.js'
import type { HostActivities } from './activity-options.js'
import { failureOf, wasCancelled } from './failures.js'

/** `left`: its repository could not be reached, or refused. */
export type Removal = 'removed' | 'committed' | 'left'

/** Removes what was sent of one copy, also in a run that is cancelled. Gives up after all tries of a light step. */
export async function removeCopy(host: HostActivities, input: AttemptInput, repository: RepositoryName): Promise<Removal> {
  try {
    return await CancellationScope.nonCancellable(() =>
      host.light(`remove the copy in ${repository}`).discardReplica({ ...input, repository }),
    )
  } catch (error) {
    if (wasCancelled(error)) throw error
    log.warn('a copy could not be removed, and is left', { repository, error: failureOf(error).message })
    return 'left'
  }
}
