import { z } from 'zod'
import { asMap, valueAt } from './raw.js'

/** What the schema says of a field, the words of its wrappers before its own. */
export interface FieldNotes {
  readonly type?: string
  readonly example?: string
  readonly description?: string
  /** The default in words, where it is not a plain value. */
  readonly fallback?: string
}

/** Without `optional`, `default`, `prefault`, `readonly` and the transforming end of a pipe. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodPipe) return unwrap(schema.def.in)
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodExactOptional) return unwrap(schema.def.innerType)
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodReadonly) {
    return unwrap(schema.def.innerType)
  }
  return schema
}

export function notesOf(schema: z.core.$ZodType): FieldNotes {
  const inner = innerOf(schema)
  return { ...(inner === undefined ? {} : notesOf(inner)), ...z.globalRegistry.get(schema) } as FieldNotes
}

/** The plain default as written in the file; undefined where there is none. */
export function defaultOf(schema: z.core.$ZodType): unknown {
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault) return schema.def.defaultValue
  const inner = innerOf(schema)
  return inner === undefined ? undefined : defaultOf(inner)
}

export function isOptional(schema: z.core.$ZodType): boolean {
  return schema instanceof z.ZodExactOptional || schema instanceof z.ZodOptional
}

/** The schemas a place of the file may follow: several where it is within an alternative the file does not settle. */
export function schemasAt(root: z.core.$ZodType, raw: unknown, path: readonly (string | number)[]): z.core.$ZodType[] {
  return path.reduce<z.core.$ZodType[]>(
    (schemas, segment, depth) =>
      schemas
        .flatMap((schema) => alternatives(schema, valueAt(raw, path.slice(0, depth))))
        .flatMap((schema) => child(schema, segment)),
    [root],
  )
}

/** Keys the file may have at a place. */
export function knownKeysAt(root: z.core.$ZodType, raw: unknown, path: readonly (string | number)[]): string[] {
  const value = valueAt(raw, path)
  return schemasAt(root, raw, path)
    .flatMap((schema) => alternatives(schema, value))
    .flatMap((schema) => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : []))
}

/** An alternative's members, or those its discriminating key in the file allows. */
export function alternatives(schema: z.core.$ZodType, value: unknown): z.core.$ZodType[] {
  const plain = unwrap(schema)
  if (!(plain instanceof z.ZodUnion)) return [plain]
  const options: readonly z.core.$ZodType[] = plain.def.options
  const discriminator = plain instanceof z.ZodDiscriminatedUnion ? plain.def.discriminator : undefined
  if (discriminator === undefined) return options.map(unwrap)
  const matching = options.filter((option) => literalOf(option, discriminator) === asMap(value)[discriminator])
  return (matching.length > 0 ? matching : options).map(unwrap)
}

/** What tells an alternative's member from the others, e.g. `s3` by `store`. */
export function literalOf(option: z.core.$ZodType, discriminator: string): unknown {
  const plain = unwrap(option)
  const field: unknown = plain instanceof z.ZodObject ? plain.shape[discriminator] : undefined
  return field instanceof z.ZodLiteral ? field.value : undefined
}

function child(schema: z.core.$ZodType, segment: string | number): z.core.$ZodType[] {
  const inner: unknown =
    schema instanceof z.ZodObject
      ? schema.shape[segment]
      : schema instanceof z.ZodRecord
        ? schema.valueType
        : schema instanceof z.ZodArray
          ? schema.element
          : undefined
  return inner instanceof z.ZodType ? [inner] : []
}

function innerOf(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodPipe) return schema.def.in
  const wrapper =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly
  return wrapper ? schema.def.innerType : undefined
}
