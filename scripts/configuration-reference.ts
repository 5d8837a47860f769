import { z } from 'zod'
import { alternatives, defaultOf, isOptional, literalOf, notesOf, unwrap } from '../src/config/schema-walk.js'

type Schema = z.core.$ZodType

/** The tables of docs/configuration.md: every key with its type, default and meaning, in the order of the schema. */
export function renderReference(root: z.ZodObject): string {
  const top = Object.entries(root.shape)
  const plain = top.filter(([, schema]) => !hasKeysBelow(schema))
  const sections = top.filter(([, schema]) => hasKeysBelow(schema)).flatMap(([key, schema]) => renderSection(key, schema))
  return [renderTable(plain.map(([key, schema]) => row(key, schema))), ...sections].join('\n\n')
}

function renderSection(key: string, schema: Schema): string[] {
  const heading = [`### ${key}`, ...optionalText(notesOf(schema).description)]
  const record = unwrap(schema)
  const variants = record instanceof z.ZodRecord ? unwrap(record.valueType as Schema) : undefined
  if (!(variants instanceof z.ZodDiscriminatedUnion)) return [...heading, renderTable(rowsBelow(key, schema))]
  const { discriminator } = variants.def
  return [
    ...heading,
    ...variants.options.flatMap((option: Schema) => [
      `#### ${key} with \`${discriminator}: ${String(literalOf(option, discriminator))}\``,
      renderTable(rowsBelow(`${key}.<name>`, option)),
    ]),
  ]
}

function rowsBelow(path: string, schema: Schema): string[] {
  return alternatives(schema, undefined).flatMap((plain) => {
    if (plain instanceof z.ZodObject) {
      return Object.entries(plain.shape).flatMap(([key, child]) => rowsOf(`${path}.${key}`, child as Schema))
    }
    if (plain instanceof z.ZodRecord) return [row(`${path}.<name>`, z.exactOptional(plain.valueType as Schema))]
    return plain instanceof z.ZodArray ? rowsBelow(`${path}[]`, plain.element as Schema) : []
  })
}

function rowsOf(path: string, schema: Schema): string[] {
  if (notesOf(schema).description?.startsWith('Not yet supported') === true) return [row(path, schema)]
  const below = rowsBelow(path, schema)
  // A map that says nothing of itself needs no line: its keys are in the lines below.
  const speaks = below.length === 0 || notesOf(schema).description !== undefined || notesOf(schema).type !== undefined
  return [...(speaks ? [row(path, schema)] : []), ...below]
}

function row(path: string, schema: Schema): string {
  const { type, description, fallback } = notesOf(schema)
  const typeText = type ?? 'keys below'
  return `| ${[`\`${path}\``, typeText, fallback ?? defaultText(schema), description ?? ''].join(' | ')} |`
}

function defaultText(schema: Schema): string {
  const value = defaultOf(schema)
  if (value !== undefined) {
    const text = typeof value === 'string' && value !== '' ? value : JSON.stringify(value)
    return text === '{}' ? 'see below' : `\`${text}\``
  }
  return isOptional(schema) ? 'none' : '**required**'
}

function hasKeysBelow(schema: Schema): boolean {
  return rowsBelow('', schema).length > 0
}

function renderTable(rows: readonly string[]): string {
  return ['| key | type | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

function optionalText(text: string | undefined): string[] {
  return text === undefined ? [] : [text]
}
