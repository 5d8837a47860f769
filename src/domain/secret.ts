import { mask } from './redact-text.js'

const marker = Symbol.for('holdfast.secret')

/** Text that must not be seen: its string, JSON and inspected forms are `[secret]`. It cannot be cloned into a payload either. */
export interface Secret {
  readonly [marker]: true
  /** The text itself; for the edge that needs it, never for a message, a log or an argument list. */
  reveal(): string
  toString(): string
  toJSON(): string
}

export function createSecret(text: string): Secret {
  const masked = () => mask
  return Object.freeze({
    [marker]: true as const,
    // Node's console and util.inspect look this symbol up; the registry has it without an import of node:util.
    [Symbol.for('nodejs.util.inspect.custom')]: masked,
    [Symbol.toPrimitive]: masked,
    reveal: () => text,
    toString: masked,
    toJSON: masked,
  })
}

export function isSecret(value: unknown): value is Secret {
  return typeof value === 'object' && value !== null && marker in value
}
