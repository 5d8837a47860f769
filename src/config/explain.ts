import type { z } from 'zod'
import { nearest } from '../domain/nearest.js'
import { formatPath, type Problem } from './problem.js'
import { valueAt } from './raw.js'
import { alternatives, knownKeysAt, notesOf, schemasAt } from './schema-walk.js'

type Path = Problem['path']

/** What zod found, in the words of an operator: each unknown key on its own, each with what to write instead. */
export function explainIssues(schema: z.core.$ZodType, raw: unknown, issues: readonly z.core.$ZodIssue[]): Problem[] {
  const problems = issues.flatMap((issue) => explain(schema, raw, issue, []))
  // A misspelt key is one problem, not two: the right one is not missing as well.
  const meant = new Set(problems.flatMap(({ meant }) => (meant === undefined ? [] : [formatPath(meant)])))
  return problems.filter(({ path }) => valueAt(raw, path) !== undefined || !meant.has(formatPath(path)))
}

interface Explained extends Problem {
  /** For a misspelt key: the place of the key that was meant. */
  readonly meant?: Path
}

function explain(schema: z.core.$ZodType, raw: unknown, issue: z.core.$ZodIssue, parent: Path): Explained[] {
  const path = [...parent, ...issue.path].map((segment) => (typeof segment === 'number' ? segment : String(segment)))
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key, knownKeysAt(schema, raw, path)))
    case 'invalid_union':
      return explainUnion(schema, raw, issue, path)
    case 'invalid_key':
      return [{ path, text: `${show(path.at(-1), [])} is not a name for this; ${keyRule(path)}` }]
    case 'custom':
      return [{ path, text: typeof issue.params?.text === 'string' ? issue.params.text : wrongValue(schema, raw, path) }]
    default:
      return [{ path, text: wrongValue(schema, raw, path) }]
  }
}

function explainUnion(
  schema: z.core.$ZodType,
  raw: unknown,
  issue: z.core.$ZodIssue & { code: 'invalid_union' },
  path: Path,
): Explained[] {
  if (issue.discriminator !== undefined) return [{ path, text: wrongChoice(schema, raw, path) }]
  // The member whose own shape fits is the one that was meant; its problems are within.
  const meant = issue.errors.find((errors) =>
    errors.every((error) => error.path.length > 0 || error.code === 'unrecognized_keys'),
  )
  if (meant === undefined) return [{ path, text: wrongValue(schema, raw, path) }]
  return meant.flatMap((error) => explain(schema, raw, error, path))
}

function wrongChoice(schema: z.core.$ZodType, raw: unknown, path: Path): string {
  const value = valueAt(raw, path)
  const key = String(path.at(-1))
  const choices = schemasAt(schema, raw, path.slice(0, -1))
    .flatMap((place) => alternatives(place, undefined))
    .flatMap((member) => schemasAt(member, undefined, [key]))
    .flatMap((literal) => notesOf(literal).example ?? [])
  const instead = typeof value === 'string' ? (nearest(value, choices) ?? choices.join(' or ')) : choices.join(' or ')
  return value === undefined
    ? `is missing; write ${key}: ${instead}`
    : `${show(value, path)} is not known; write ${instead} instead`
}

function unknownKey(parent: Path, key: string, known: readonly string[]): Explained {
  const meant = nearest(key, known)
  const path = [...parent, key]
  if (meant === undefined) return { path, text: `unknown key; write one of ${known.join(', ')} instead` }
  return { path, text: `unknown key; write ${meant} instead`, meant: [...parent, meant] }
}

function wrongValue(schema: z.core.$ZodType, raw: unknown, path: Path): string {
  const value = valueAt(raw, path)
  const notes = schemasAt(schema, raw, path).map(notesOf)[0] ?? {}
  const example = notes.example ?? 'its keys below it'
  const key = path.at(-1)
  if (value === undefined) return `is missing; write ${typeof key === 'string' ? `${key}: ` : ''}${example}`
  if (value === null) return `is empty; write ${example}, or remove the key`
  return `${show(value, path)} is not ${notes.type ?? 'a map of keys'}; write ${example} instead`
}

function keyRule(path: Path): string {
  if (path[0] === 'tools') return 'write the major version in quotes, such as "15", instead'
  if (path[0] === 'encryption') return 'write 1 to 63 of A-Z, a-z, 0-9, ".", "_" and "-" instead'
  return 'write 1 to 63 of a-z, 0-9, "_" and "-", beginning with a letter or a digit, instead'
}

/** Scalars as they are, shortened; lists and maps by name only. What may be a secret in the wrong place is not repeated. */
function show(value: unknown, path: Path): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'a map'
  const text = JSON.stringify(value) ?? String(value)
  const delicate = text.includes('@') || path.some((segment) => /key|credential|password|secret|token/i.test(String(segment)))
  if (delicate) return 'this value'
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text
}
