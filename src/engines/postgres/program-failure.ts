import { type ErrorCode, HoldfastError } from '../../domain/errors.js'

/** A kind of failure of PostgreSQL's programs, known by their words. */
export interface FailureRule {
  readonly pattern: RegExp
  readonly code: ErrorCode
  /** The table's where it is left out; from the match where it names something. */
  readonly hint?: string | ((match: RegExpExecArray) => string)
}

interface Failed {
  /** What failed: the beginning of the message. */
  readonly what: string
  readonly lastLines: string
  readonly cause: unknown
}

/**
 * What the end of a program that failed means. The exit status is always 1, so the words have to tell; they are in English from
 * the program itself, but the server's part may be in the server's language, and then counts as unknown.
 */
export function programFailure(rules: readonly FailureRule[], unknown: ErrorCode, failed: Failed): HoldfastError {
  const { what, lastLines, cause } = failed
  const said = lastLines.trim() || (cause instanceof Error ? cause.message : 'it said nothing')
  for (const { pattern, code, hint } of rules) {
    const match = pattern.exec(said)
    if (match === null) continue
    const given = typeof hint === 'function' ? hint(match) : hint
    return new HoldfastError(code, `${what}: ${said}`, { cause, ...(given === undefined ? {} : { hint: given }) })
  }
  return new HoldfastError(unknown, `${what}: ${said}`, { cause })
}
