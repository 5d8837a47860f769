import { type ErrorCode, hintOf, toHoldfastError } from './errors.js'

/** Something that is wrong while the work goes on, until it is not any more. Not an error: nothing has ended. */
export interface Condition {
  readonly code: ErrorCode
  readonly message: string
  /** What the operator does about it. */
  readonly hint: string
  /** ISO 8601 UTC. */
  readonly since: string
}

/** The conditions one job sees, each under a name of its own. */
export interface Conditions {
  raise(name: string, code: ErrorCode, message: string, hint?: string): void
  /** Of what was thrown. */
  raiseError(name: string, error: unknown): void
  clear(name: string): void
  /** Of what happened once and is not there to be seen any more. */
  clearOlder(name: string, ageMs: number): void
  list(): readonly Condition[]
}

export function createConditions(now: () => Date, onChange: () => void): Conditions {
  const held = new Map<string, Condition>()
  const clear = (name: string) => {
    if (held.delete(name)) onChange()
  }
  const raise = (name: string, code: ErrorCode, message: string, hint = hintOf(code)) => {
    const before = held.get(name)
    const since = before?.code === code ? before.since : now().toISOString()
    held.set(name, { code, message, hint, since })
    if (before?.code !== code || before.message !== message) onChange()
  }
  return {
    raise,
    raiseError(name, error) {
      const { code, message, hint } = toHoldfastError(error)
      raise(name, code, message, hint)
    },
    clear,
    clearOlder(name, ageMs) {
      const since = held.get(name)?.since
      if (since !== undefined && now().getTime() - Date.parse(since) > ageMs) clear(name)
    },
    list: () => [...held.values()].toSorted((a, b) => (a.since < b.since ? -1 : 1)),
  }
}
