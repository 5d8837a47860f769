import { z } from 'zod'
import { namePattern } from '../domain/ids.js'
import { parseByteSize, parseDuration, parseRate } from '../domain/quantity.js'
import type { PostgresHost, SecretReference } from './config.js'

// `type` names a field in messages ("60 is not a duration") and in the reference; `example` is what to write instead.

export function text(type: string, example: string) {
  return z.string().min(1).meta({ type, example })
}

export function name(example: string) {
  return z.string().regex(namePattern).meta({ type: 'a name of a-z, 0-9, "_" and "-"', example })
}

/** Of a machine, as in the names of its task queues. */
export function hostName(example: string) {
  return z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/)
    .meta({ type: 'a host name', example })
}

export function path(example: string) {
  return text('a path', example)
}

export function integer(minimum: number, maximum: number, example: string) {
  const span = maximum === Number.MAX_SAFE_INTEGER ? `from ${minimum}` : `from ${minimum} to ${maximum}`
  return z
    .number()
    .int()
    .min(minimum)
    .max(maximum)
    .meta({ type: `a whole number ${span}`, example })
}

export function flag(example: 'true' | 'false') {
  return z.boolean().meta({ type: '`true` or `false`', example })
}

export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words).meta({ type: words.map((word) => `\`${word}\``).join(', '), example: words[0] })
}

/** @returns milliseconds, more than 0 */
export function duration(example: string) {
  return parsed((value) => moreThanZero(parseDuration(value)), 'a duration with its unit, above 0', example)
}

/** @returns bytes per second, more than 0 */
export function rate(example: string) {
  return parsed((value) => moreThanZero(parseRate(value)), 'a rate with its unit, above 0', example)
}

/** @returns bytes */
export function byteSize(minimum: string, example: string) {
  const minimumBytes = parseByteSize(minimum) ?? 0
  return parsed((value) => atLeast(parseByteSize(value), minimumBytes), `a size with its unit, at least ${minimum}`, example)
}

/** @returns both ends, inclusive */
export function portRange(example: string) {
  return parsed(parsePortRange, 'a span of ports from 1024 to 65535', example)
}

/** `host:port`, `[::1]:port`, `/socket/directory:port`; the port may be left out. */
export function hostAndPort(example: string) {
  return parsed(parseHost, 'a host with its port', example)
}

export function httpUrl(example: string) {
  return parsed(parseUrl, 'an http or https address without a password or path', example)
}

/** A secret is never in the file, and what stands in its place is never repeated in a message. */
export function secretReference() {
  return z
    .unknown()
    .transform((value, context): SecretReference => {
      const reference = parseReference(value)
      if (reference !== undefined) return reference
      const what = typeof value === 'string' ? 'a secret must not stand in this file' : 'this is not a reference to a secret'
      const text = `${what}; write { env: NAME } or { file: path } instead`
      context.issues.push({ code: 'custom', input: undefined, params: { text } })
      return z.NEVER
    })
    .meta({ type: 'a reference to a secret', example: '{ env: NAME }' })
}

function parsed<Value>(parse: (value: string) => Value | undefined, type: string, example: string) {
  return z
    .string()
    .transform((value, context): Value => {
      const result = parse(value)
      if (result !== undefined) return result
      // The text of the message is made where the place in the file is known, from `type` and `example`.
      context.issues.push({ code: 'custom', input: value })
      return z.NEVER
    })
    .meta({ type, example })
}

function moreThanZero(amount: number | undefined): number | undefined {
  return atLeast(amount, Number.MIN_VALUE)
}

function atLeast(amount: number | undefined, minimum: number): number | undefined {
  return amount === undefined || amount < minimum ? undefined : amount
}

function parsePortRange(value: string): { first: number; last: number } | undefined {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(value)
  const [first, last] = [Number(match?.[1]), Number(match?.[2])]
  return first >= 1024 && last <= 65_535 && first <= last ? { first, last } : undefined
}

function parseHost(value: string): PostgresHost | undefined {
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^:\s[\]@?#,]+))(?::(\d{1,5}))?$/.exec(value)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3] ?? 5432)
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port }
}

function parseUrl(value: string): string | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined
  const plain = url !== undefined && url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  return plain && url.pathname === '/' && /^https?:$/.test(url.protocol) ? url.origin : undefined
}

function parseReference(value: unknown): SecretReference | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const entries = Object.entries(value)
  const [key, target] = entries[0] ?? []
  if (entries.length !== 1 || typeof target !== 'string') return undefined
  if (key === 'env' && /^[A-Za-z_][A-Za-z0-9_]*$/.test(target)) return { env: target }
  return key === 'file' && target !== '' ? { file: target } : undefined
}
