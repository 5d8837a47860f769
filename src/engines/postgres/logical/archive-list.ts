import type { DatabaseSelection } from './selection.js'
import { closureOf, type WantedObjects } from './wanted-objects.js'

/**
 * Picks entries from what `pg_restore --list --create` prints, for `--use-list`. pg_restore's own `--table` would leave a table
 * without its indexes, constraints, triggers and sequences; here they come along, found by their OIDs from the inventory.
 * Types, functions and extensions come as well, as tables may need them; large objects, publications and the like do not.
 */
export function selectEntries(list: string, selection: DatabaseSelection): string {
  const entries = parseList(list, [...(selection.database.schemas ?? []), ...selection.schemas])
  const wanted = closureOf(selection)
  const byOid = entries.filter((entry) => isWanted(entry, selection, wanted))
  const named = namesOf(byOid, wanted)
  const kept = new Set(byOid)
  return entries
    .filter((entry) => kept.has(entry) || belongsTo(entry, named, wanted))
    .map(({ line }) => `${line}\n`)
    .join('')
}

/** Entries a database has to have before its extensions can be told that a restore begins; and all the others. */
export function splitAtExtensions(list: string): { readonly before: string; readonly after: string } {
  const lines = list.split('\n').filter((line) => line !== '' && !line.startsWith(';'))
  const isBefore = (line: string) => /^\d+; \d+ \d+ (DATABASE|DATABASE PROPERTIES|SCHEMA|EXTENSION) /.test(line)
  const join = (some: readonly string[]) => some.map((line) => `${line}\n`).join('')
  return { before: join(lines.filter(isBefore)), after: join(lines.filter((line) => !isBefore(line))) }
}

/** `215; 1259 16385 TABLE sales orders alice`: id; OID of the catalogue, OID, what, schema, tag and owner. */
interface Entry {
  readonly line: string
  readonly catalog: string
  readonly oid: string
  readonly what: string
  /** `-` where it has none. */
  readonly schema: string
  readonly rest: string
}

const relationCatalog = '1259'

function parseList(list: string, schemas: readonly string[]): Entry[] {
  return list.split('\n').flatMap((line) => parseEntry(line, schemas))
}

/** What it is has upper-case words, and so may a schema's name: the longest that leaves a schema behind it is taken. */
function parseEntry(line: string, schemas: readonly string[]): Entry[] {
  const match = /^\d+; (\d+) (\d+) ([A-Z][A-Z ]*) (.*)$/.exec(line)
  const [, catalog, oid, words, tail] = match ?? []
  if (catalog === undefined || oid === undefined || words === undefined || tail === undefined) return []
  const parts = [...words.split(' '), tail]
  for (let count = parts.length - 1; count > 0; count--) {
    const after = parts.slice(count).join(' ')
    const schema = ['-', ...schemas].find((name) => after.startsWith(`${name} `))
    if (schema === undefined) continue
    return [{ line, catalog, oid, what: parts.slice(0, count).join(' '), schema, rest: after.slice(schema.length + 1) }]
  }
  return []
}

/** What tables are made with, and what makes the database. */
const supporting =
  /^(DATABASE|DATABASE PROPERTIES|SCHEMA|EXTENSION|(SHELL )?TYPE|DOMAIN|FUNCTION|PROCEDURE|AGGREGATE|COLLATION|OPERATOR( CLASS| FAMILY)?|CAST|CONVERSION|PROCEDURAL LANGUAGE|TEXT SEARCH \w+|ACCESS METHOD|FOREIGN DATA WRAPPER|SERVER|TRANSFORM)\b/

function isWanted({ what, schema, catalog, oid, rest }: Entry, selection: DatabaseSelection, wanted: WantedObjects): boolean {
  if (/^(PUBLICATION|SUBSCRIPTION)/.test(what)) return false
  if (supporting.test(what)) return true
  if (about.test(what) && supporting.test(rest)) return true
  if (selection.schemas.includes(schema)) return true
  if (oid === '0') return false
  // Data and row security have the OID of their table, and no catalogue.
  return catalog === '0' ? wanted.objects.has(`${relationCatalog}:${oid}`) : wanted.objects.has(`${catalog}:${oid}`)
}

/** What entries without an OID can be known by: schema, name and owner of a relation, as they end its own entry. */
interface Names {
  readonly relations: ReadonlySet<string>
  readonly ownedSequences: ReadonlySet<string>
  readonly attached: ReadonlySet<string>
}

function namesOf(entries: readonly Entry[], wanted: WantedObjects): Names {
  const relations = entries.filter(({ catalog }) => catalog === relationCatalog)
  const owned = relations.filter(({ what, oid }) => what === 'SEQUENCE' && wanted.owned.has(`${relationCatalog}:${oid}`))
  const attached = new Set(wanted.attached.map(({ oid }) => oid))
  const partitions = relations.filter(({ oid }) => attached.has(oid))
  return {
    relations: new Set([...relations.map(pathOf), ...indexNames(entries, wanted.tables)]),
    ownedSequences: new Set(owned.map(pathOf)),
    attached: new Set([...partitions.map(pathOf), ...indexNames(entries, wanted.attached)]),
  }
}

/** Of the tables' indexes. A constraint's tag names the table first, then the index that is called as the constraint is. */
function indexNames(entries: readonly Entry[], tables: WantedObjects['tables']): string[] {
  const tableOf = new Map(tables.flatMap((table) => (table.parts ?? []).map((part) => [part, table])))
  return entries.flatMap((entry) => {
    const table = tableOf.get(`${entry.catalog}:${entry.oid}`)
    if (table === undefined) return []
    if (entry.what === 'CONSTRAINT') return [`${entry.schema} ${entry.rest.slice(table.name.length + 1)}`]
    return entry.what === 'INDEX' ? [pathOf(entry)] : []
  })
}

function belongsTo(entry: Entry, { relations, ownedSequences, attached }: Names, wanted: WantedObjects): boolean {
  const { what, schema, rest } = entry
  if (what === 'SEQUENCE SET') return relations.has(pathOf(entry))
  if (what === 'SEQUENCE OWNED BY') return ownedSequences.has(pathOf(entry))
  if (what === 'TABLE ATTACH' || what === 'INDEX ATTACH') return attached.has(pathOf(entry))
  if (!about.test(what)) return false
  const named = rest.replace(/^(FOREIGN TABLE|MATERIALIZED VIEW|TABLE|VIEW|SEQUENCE|INDEX) /, '')
  if (relations.has(`${schema} ${named}`)) return true
  return wanted.tables.some((table) => table.schema === schema && rest.startsWith(`COLUMN ${table.name}.`))
}

/** Entries that tell something about another. */
const about = /^(ACL|COMMENT|SECURITY LABEL)$/

function pathOf({ schema, rest }: Entry): string {
  return `${schema} ${rest}`
}
