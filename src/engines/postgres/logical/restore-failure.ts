import type { HoldfastError } from '../../../domain/errors.js'
import { type FailureRule, programFailure } from '../program-failure.js'

/** What the end of a pg_restore into a server of our own making means. */
export function instanceFailure(database: string, lastLines: string, cause: unknown): HoldfastError {
  return failure(always, database, lastLines, cause)
}

/** The same of a server that is not ours alone: it may go away and come back, and we are not always its superuser. */
export function sharedServerFailure(database: string, lastLines: string, cause: unknown): HoldfastError {
  return failure([...always, ...ofSharedServers], database, lastLines, cause)
}

function failure(rules: readonly FailureRule[], database: string, lastLines: string, cause: unknown): HoldfastError {
  return programFailure(rules, 'RECOVERY_FAILED', { what: `database ${database} could not be restored`, lastLines, cause })
}

const always: readonly FailureRule[] = [
  { pattern: /No space left on device|Disk quota exceeded/, code: 'SPACE_SHORT' },
  {
    pattern: /extension "([^"]+)" is not available|could not open extension control file ".*\/([^"/]+)\.control"/,
    code: 'RECOVERY_FAILED',
    hint: ([, named, file]) => `install the extension ${named ?? file} for the server's version on its host`,
  },
]

const ofSharedServers: readonly FailureRule[] = [
  {
    pattern:
      /permission denied|must be (owner|superuser|member|able to)|password authentication failed|no pg_hba\.conf entry|pg_hba\.conf rejects/,
    code: 'SOURCE_DENIED',
    hint: 'grant the role what it lacks, restore as a superuser of that server, or use --no-owner',
  },
  {
    pattern: /server closed the connection|terminating connection due to|connection to server .* failed/,
    code: 'SOURCE_UNAVAILABLE',
    hint: 'look at the log of the server that is restored into; the restore begins again by itself for a while',
  },
]
