import type { AttemptInput } from '../activities/backup-activities.js'
import type { RepositoryName } from '../domain/ids.js'
import type { BackupReport } from '../domain/operations.js'
import type { HostActivities } from './activity-options.js'
import { type Removal, removeCopy } from './remove-copy.js'

/**
 * Copies of attempts that were given up. Their repository may be away, which may take minutes to be sure of: neither the
 * end of the capture nor the next attempt waits for their removal, only the end of the run does.
 */
export interface GivenUpCopies {
  add(input: AttemptInput, repository: RepositoryName, removal: Promise<Removal>): void
  /**
   * Waits for all removals. What is left in a repository that has answered since is removed once more.
   * @param copies of the attempt that was committed, where one was
   * @returns what is left to the operator
   */
  settle(copies?: BackupReport['copies']): Promise<readonly LeftCopy[]>
}

export interface LeftCopy {
  readonly repository: RepositoryName
  readonly message: string
}

interface GivenUp {
  readonly input: AttemptInput
  readonly repository: RepositoryName
}

export function keepGivenUpCopies(host: HostActivities): GivenUpCopies {
  const removals: Promise<GivenUp & { readonly removal: Removal }>[] = []
  return {
    add(input, repository, removal) {
      removals.push(removal.then((end) => ({ input, repository, removal: end })))
    },
    async settle(copies) {
      const ended = await Promise.all(removals)
      const answersNow = (repository: RepositoryName) => {
        const copy = copies?.[repository]
        if (copy !== undefined) return !('left' in copy)
        return ended.findLast((each) => each.repository === repository)?.removal !== 'left'
      }
      const again = async (copy: GivenUp): Promise<LeftCopy[]> => {
        const { input, repository } = copy
        const removal = answersNow(repository) ? await removeCopy(host, input, repository) : 'left'
        return removal === 'left' ? [{ repository, message: describeLeft(copy) }] : []
      }
      return (await Promise.all(ended.filter(({ removal }) => removal === 'left').map(again))).flat()
    },
  }
}

function describeLeft({ input: { plan, attempt }, repository }: GivenUp): string {
  return (
    `what was sent to ${repository} below ${plan.prefix}/${attempt}/ before attempt ${attempt} was given up, if anything, could not be removed: ` +
    'remove objects and unfinished uploads there, see "What is left after a crash" in docs/operations.md'
  )
}
