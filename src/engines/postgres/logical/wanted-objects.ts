import type { Inventory, InventoryDatabase, InventoryTable } from '../inventory.js'
import { type DatabaseSelection, resolveSelection } from './selection.js'

/** Tables that were asked for, with all that goes with them. */
export interface WantedObjects {
  /** `catalogue OID:OID`. */
  readonly objects: ReadonlySet<string>
  /** Those of the objects that go with one of the tables: not the sequences of others. */
  readonly owned: ReadonlySet<string>
  readonly tables: readonly InventoryTable[]
  /** Partitions that come with their parent. One that was asked for alone is a table of its own. */
  readonly attached: readonly InventoryTable[]
}

const relationCatalog = '1259'

/** Partitions go with their parent, and bring parts of their own. */
export function closureOf({ database, schemas, tables }: DatabaseSelection): WantedObjects {
  const byOid = new Map(database.tables.flatMap((table) => (table.oid === undefined ? [] : [[table.oid, table]])))
  const found = new Set([...tables, ...database.tables.filter(({ schema }) => schemas.includes(schema))])
  const attached = new Set<InventoryTable>()
  // A set that grows while it is walked is walked to its new end.
  for (const table of found) {
    for (const part of table.parts ?? []) {
      const [catalog, oid = ''] = part.split(':')
      const partition = catalog === relationCatalog ? byOid.get(oid) : undefined
      if (partition === undefined) continue
      attached.add(partition)
      found.add(partition)
    }
  }
  const all = [...found]
  const owned = all.flatMap(({ oid, parts = [] }) => [`${relationCatalog}:${oid}`, ...parts])
  const needed = all.flatMap(({ sequences = [] }) => sequences.map((oid) => `${relationCatalog}:${oid}`))
  return {
    objects: new Set([...owned, ...needed]),
    owned: new Set(owned),
    tables: all,
    attached: [...attached],
  }
}

/** What was asked for of databases: what a restored server is compared with. */
export function selectedDatabases(inventory: Pick<Inventory, 'databases'>, only: readonly string[]): InventoryDatabase[] {
  return resolveSelection(inventory, only).map((selection) => ({
    ...selection.database,
    tables: [...closureOf(selection).tables],
  }))
}
