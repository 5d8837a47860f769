import type { HoldfastError } from '../../domain/errors.js'
import { type FailureRule, programFailure } from './program-failure.js'

/** What the end of a pg_basebackup that failed means. */
export function baseBackupFailure(lastLines: string, cause: unknown): HoldfastError {
  return programFailure(rules, 'CAPTURE_LOST', { what: 'pg_basebackup failed', lastLines, cause })
}

const rules: readonly FailureRule[] = [
  {
    pattern: /No space left on device|Disk quota exceeded/,
    code: 'SPACE_SHORT',
    hint: 'a capture needs room for the compressed backup twice in the capture repository: free space (`df`) or inodes (`df -i`) there',
  },
  {
    pattern: /password authentication failed|no password supplied|no pg_hba\.conf entry|pg_hba\.conf rejects/,
    code: 'SOURCE_DENIED',
  },
  { pattern: /permission denied to start WAL sender|must be superuser or replication role/, code: 'SOURCE_DENIED' },
  {
    pattern: /checksum error occurred|checksum verification fail/i,
    code: 'SOURCE_UNSUITABLE',
    hint: 'the source has damaged pages: its log names the files. Do not expire older backups before this is understood',
  },
  {
    pattern: /could not initiate base backup.*compress|could not set compression|compression is not supported/i,
    code: 'SOURCE_UNSUITABLE',
    hint: 'set `compression: { where: holdfast }` for this system',
  },
  {
    pattern: /number of requested standby connections exceeds max_wal_senders|too many clients|remaining connection slots/,
    code: 'SOURCE_UNAVAILABLE',
    hint: 'raise max_wal_senders, or end replication connections that are not needed',
  },
  {
    pattern: /requested WAL segment \w+ has already been removed/,
    code: 'CAPTURE_LOST',
    hint: 'the server removed WAL that the backup needs before it was streamed: raise wal_keep_size on the server',
  },
  // Only before anything was copied does it complain about the connection itself.
  { pattern: /error: connection to server .* failed: (?!FATAL)/, code: 'SOURCE_UNAVAILABLE' },
]
