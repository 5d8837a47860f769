import { type ErrorCode, HoldfastError } from '../../../domain/errors.js'

interface Rule {
  readonly pattern: RegExp
  readonly code: ErrorCode
  readonly hint?: string
}

/**
 * What the end of a pg_receivewal means. Its own words are in English; those of the server after them need not be, and a segment's
 * name in what ended the stream is the one that the server has removed.
 */
export function receiveFailure(server: string, lastLines: string, cause: unknown): HoldfastError {
  const said = lastLines.trim().split('\n').slice(-3).join('; ')
  const rule = rules.find(({ pattern }) => pattern.test(said))
  const message = `pg_receivewal from ${server} ended: ${said === '' ? 'the server closed the stream' : said}`
  const hint = rule?.hint === undefined ? {} : { hint: rule.hint }
  return new HoldfastError(rule?.code ?? 'SOURCE_UNAVAILABLE', message, { cause, ...hint })
}

const rules: readonly Rule[] = [
  { pattern: /No space left on device|Disk quota exceeded/, code: 'SPOOL_SHORT' },
  {
    pattern: /password authentication failed|no password supplied|no pg_hba\.conf entry|pg_hba\.conf rejects/,
    code: 'SOURCE_DENIED',
  },
  { pattern: /permission denied to start WAL sender|must be superuser or replication role/, code: 'SOURCE_DENIED' },
  {
    pattern: /number of requested standby connections exceeds max_wal_senders|too many clients|remaining connection slots/,
    code: 'SOURCE_UNAVAILABLE',
    hint: 'raise max_wal_senders, or end replication connections that are not needed',
  },
  { pattern: /(?:replication stream|replication command|WAL stream)[\s\S]*\b[0-9A-F]{24}\b/, code: 'WAL_GAP' },
]
