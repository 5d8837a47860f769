import type { HoldfastError } from '../../../domain/errors.js'
import { type FailureRule, programFailure } from '../program-failure.js'

interface FailedDump {
  /** `pg_dump of database shop` */
  readonly what: string
  readonly role: string
  readonly lastLines: string
  readonly cause: unknown
}

/** What the end of a pg_dump or pg_dumpall that failed means. Anything unknown counts as lost: a dump cannot be continued. */
export function dumpFailure({ what, role, lastLines, cause }: FailedDump): HoldfastError {
  return programFailure(rulesFor(role), 'CAPTURE_LOST', { what: `${what} failed`, lastLines, cause })
}

const rulesFor = (role: string): readonly FailureRule[] => [
  {
    pattern: /No space left on device|Disk quota exceeded/,
    code: 'SPACE_SHORT',
    hint: 'with `jobs` above 1 a dump lies uncompressed in the capture repository; `jobs: 1` streams it',
  },
  {
    pattern: /password authentication failed|no password supplied|no pg_hba\.conf entry|pg_hba\.conf rejects/,
    code: 'SOURCE_DENIED',
  },
  {
    pattern: /too many connections for (database|role)/,
    code: 'SOURCE_DENIED',
    hint: 'raise its connection limit, or name the databases to dump in kinds.logical.databases',
  },
  {
    pattern: /permission denied|must be owner|query would be affected by row-level security/,
    code: 'SOURCE_DENIED',
    hint: `as superuser: GRANT pg_read_all_data TO "${role}" (and ALTER ROLE "${role}" BYPASSRLS where tables have policies), or name the databases it may read in kinds.logical.databases`,
  },
  {
    // --lock-wait-timeout sets a statement timeout, and no other of its statements has one.
    pattern: /canceling statement due to (lock|statement) timeout/,
    code: 'SOURCE_UNAVAILABLE',
    hint: 'a session holds a lock that a dump has to wait for (ALTER TABLE, TRUNCATE, LOCK): pg_blocking_pids() tells which; try again when it has ended',
  },
  {
    pattern: /out of shared memory|max_locks_per_transaction/,
    code: 'SOURCE_UNSUITABLE',
    hint: 'a dump locks every table of a database at once: raise max_locks_per_transaction on the server',
  },
  {
    pattern: /too many clients|remaining connection slots/,
    code: 'SOURCE_UNAVAILABLE',
    hint: 'raise max_connections, or lower `jobs`',
  },
  { pattern: /error: connection to server .* failed: (?!FATAL)/, code: 'SOURCE_UNAVAILABLE' },
]
