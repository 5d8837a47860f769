import { mask, redactText } from '../domain/redact-text.js'
import { isSecret } from '../domain/secret.js'

const secretKey = /passw(?:or)?d|passphrase|secret|token|credential|authorization|api[_-]?key|private[_-]?key|access[_-]?key/i
const maximumDepth = 8
const maximumItems = 200

/** A copy fit for a log: secrets masked by type, by key and by pattern; errors as records; cycles, depth and length bounded. */
export function sanitize(value: unknown): unknown {
  return copy(value, [])
}

export function sanitizeRecord(record: Record<string, unknown>): Record<string, unknown> {
  return copyRecord(record, [record])
}

function copy(value: unknown, parents: readonly unknown[]): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  if (isSecret(value)) return mask
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString()
  // Bytes may be a key, and are of no use to a reader.
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (parents.includes(value)) return '[circular]'
  if (parents.length >= maximumDepth) return '[too deep]'
  const inside = [...parents, value]
  if (value instanceof Error) return copyError(value, inside)
  if (value instanceof Map) return copyRecord(Object.fromEntries(value), inside)
  if (Array.isArray(value) || value instanceof Set) return [...value].slice(0, maximumItems).map((item) => copy(item, inside))
  return copyRecord(value as Record<string, unknown>, inside)
}

function copyRecord(record: Readonly<Record<string, unknown>>, parents: readonly unknown[]): Record<string, unknown> {
  const entries = Object.entries(record).filter(([, value]) => value !== undefined && typeof value !== 'function')
  return Object.fromEntries(entries.slice(0, maximumItems).map(([key, value]) => [key, copyEntry(key, value, parents)]))
}

/** Under a telling key everything is masked but references, which say where a secret is and not what it is. */
function copyEntry(key: string, value: unknown, parents: readonly unknown[]): unknown {
  if (!secretKey.test(key)) return copy(value, parents)
  return typeof value === 'string' || ArrayBuffer.isView(value) ? mask : copy(value, parents)
}

function copyError(error: Error, parents: readonly unknown[]): Record<string, unknown> {
  const { name, message, stack, cause } = error
  return {
    type: name,
    message: redactText(message),
    ...(stack === undefined ? {} : { stack: redactText(stack) }),
    ...(cause === undefined ? {} : { cause: copy(cause, parents) }),
    // Own fields: `code`, `hint` and `details` of a HoldfastError, `errno` of the system's.
    ...copyRecord({ ...error, cause: undefined, message: undefined, stack: undefined, name: undefined }, parents),
  }
}
