import { type ErrorCode, HoldfastError } from '../../domain/errors.js'
import type { ServerAddress } from './server-address.js'

/**
 * What an error of `pg` means. SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html
 * The server's own message is kept; it holds no secrets.
 */
export function connectionFailure(address: ServerAddress, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error
  const { code, message } = describe(error)
  // `pg` itself refuses to go on without a password; the server never gets to say its code.
  const meaning = message.startsWith('SASL') ? 'SOURCE_DENIED' : errorCodeOf(code)
  return new HoldfastError(meaning, `PostgreSQL at ${address.label}: ${message}`, {
    cause: error,
    details: { address: address.label, ...(code === undefined ? {} : { sqlstate: code }) },
  })
}

function errorCodeOf(code: string | undefined): ErrorCode {
  if (code === undefined) return 'SOURCE_UNAVAILABLE'
  // Class 28: invalid authorization; 42501: insufficient privilege; 3D000: no such database.
  if (code.startsWith('28') || code === '42501' || code === '3D000') return 'SOURCE_DENIED'
  // Class 08: connection; 53: resources (too many connections); 57: shut down, starting up. The rest of five letters is SQL.
  if (/^[0-9A-Z]{5}$/.test(code) && !/^(08|53|57)/.test(code)) return 'SOURCE_UNSUITABLE'
  return 'SOURCE_UNAVAILABLE'
}

function describe(error: unknown): { code: string | undefined; message: string } {
  // A name with several addresses fails with one error for each.
  const first: unknown = error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error
  if (!(first instanceof Error)) return { code: undefined, message: String(first) }
  const code = 'code' in first && typeof first.code === 'string' ? first.code : undefined
  return { code, message: first.message }
}
