import { HoldfastError } from '../../../domain/errors.js'
import { nearest } from '../../../domain/nearest.js'
import type { Inventory, InventoryDatabase, InventoryTable } from '../inventory.js'

/** What is wanted of one database. */
export interface DatabaseSelection {
  readonly database: InventoryDatabase
  readonly schemas: readonly string[]
  /** Besides those of the schemas. */
  readonly tables: readonly InventoryTable[]
}

/**
 * Finds names in what was backed up. A name is a schema or `schema.table`, written as it is, without quotes, whatever is in it;
 * it is wanted from every database that has it.
 * @returns the databases that have any of it
 * @throws HoldfastError NOT_FOUND for names nothing is called by, with near ones
 */
export function resolveSelection({ databases }: Pick<Inventory, 'databases'>, names: readonly string[]): DatabaseSelection[] {
  const unknown = names.filter((name) => !databases.some((database) => has(database, name)))
  if (unknown.length > 0) throw notFound(unknown, databases)
  return databases
    .map((database) => ({
      database,
      schemas: schemasOf(database).filter((schema) => names.includes(schema)),
      tables: database.tables.filter((table) => names.includes(pathOf(table)) && !names.includes(table.schema)),
    }))
    .filter(({ schemas, tables }) => schemas.length + tables.length > 0)
}

function has(database: InventoryDatabase, name: string): boolean {
  return schemasOf(database).includes(name) || database.tables.some((table) => pathOf(table) === name)
}

function schemasOf({ schemas, tables }: InventoryDatabase): string[] {
  return schemas ?? [...new Set(tables.map(({ schema }) => schema))]
}

function pathOf({ schema, name }: InventoryTable): string {
  return `${schema}.${name}`
}

const namesShown = 5

function notFound(unknown: readonly string[], databases: readonly InventoryDatabase[]): HoldfastError {
  const known = [...new Set(databases.flatMap((database) => [...schemasOf(database), ...database.tables.map(pathOf)]))]
  const near = [...new Set(unknown.flatMap((name) => nearOnes(name, known)))].slice(0, namesShown)
  const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : namesThere(unknown, databases)
  return new HoldfastError('NOT_FOUND', `the backup has no schema and no table called ${unknown.join(', ')}`, { hint })
}

/** The tables of a schema that was named, else the schemas. */
function namesThere(unknown: readonly string[], databases: readonly InventoryDatabase[]): string {
  const tables = databases.flatMap((database) => database.tables)
  const beside = tables.find(({ schema }) => unknown.some((name) => name.startsWith(`${schema}.`)))?.schema
  if (beside === undefined) return `schemas of the backup: ${listOf(databases.flatMap(schemasOf))}`
  return `tables of ${beside}: ${listOf(tables.filter(({ schema }) => schema === beside).map(({ name }) => name))}`
}

function listOf(names: readonly string[]): string {
  const all = [...new Set(names)]
  return `${all.slice(0, namesShown).join(', ')}${all.length > namesShown ? `, … (${all.length})` : ''}`
}

/** The same table in another schema, one name within the other, or a slip of the pen. */
function nearOnes(name: string, known: readonly string[]): string[] {
  const plain = name.toLowerCase()
  const table = plain.split('.').at(-1) ?? plain
  const alike = known.filter((candidate) => {
    const other = candidate.toLowerCase()
    return other.split('.').at(-1) === table || (plain.length > 2 && other.includes(plain))
  })
  const slip = nearest(name, known)
  return slip === undefined ? alike : [slip, ...alike]
}
