import type { CheckResult } from '../../domain/operations.js'
import { type Access, withConnection } from './connection.js'
import type { Inventory, InventoryDatabase } from './inventory.js'
import { judge } from './judge.js'
import type { ServerAddress } from './server-address.js'
import { refusalOf } from './server-state.js'

const stage = 'running'

interface ContentsCheck {
  /** What the original held. */
  readonly inventory: Inventory
  /** What the new server holds. */
  readonly restored: Inventory
  readonly access: Access
  readonly address: ServerAddress
  readonly compareSchema: (restored: InventoryDatabase) => CheckResult
  /** It is the original as it was after `inventory` was taken: databases may have been dropped since. */
  readonly isLater?: true
}

/** Are all databases there, are their definitions what they were, and can every table be read? */
export async function checkContents(check: ContentsCheck, signal: AbortSignal): Promise<CheckResult[]> {
  const { inventory, restored, access, address } = check
  const names = (databases: readonly { readonly name: string }[]) => databases.map(({ name }) => name)
  const interrupted = new Set(restored.interrupted)
  const unread = inventory.unread.filter(({ database }) => !interrupted.has(database))
  const expected = [...names(inventory.databases), ...unread.map(({ database }) => database)]
  const reasons = new Map(restored.unread.map(({ database, reason }) => [database, `: ${reason}`]))
  const missing = expected.filter((name) => !names(restored.databases).includes(name))
  const list = missing.map((name) => `${name}${reasons.get(name) ?? ''}`).join('; ')
  const dropped = check.isLater === true && missing.every((name) => !reasons.has(name)) && missing.length > 0
  const databases: CheckResult = dropped
    ? { name: 'databases', stage, outcome: 'not-run', message: `not there, as if dropped since the backup: ${list}` }
    : judge('databases', missing.length === 0, `${expected.length} are there`, `missing or closed: ${list}`)
  const results = [databases]
  for (const database of restored.databases) {
    results.push(check.compareSchema(database))
    results.push(await tablesResult(database, { ...access, database: database.name }, address, signal))
  }
  return results
}

/** `schema.table` of those that are not there any more. */
export function lostTables(original: InventoryDatabase, restored: InventoryDatabase): string[] {
  const tables = (of: InventoryDatabase) => of.tables.map((table) => `${table.schema}.${table.name}`)
  const kept = new Set(tables(restored))
  return tables(original).filter((table) => !kept.has(table))
}

/** Of a database on a server that is not ours alone, by a role that need not be a superuser: the tables it may read. */
export async function ownTablesResult(
  database: InventoryDatabase,
  access: Access,
  address: ServerAddress,
  signal: AbortSignal,
): Promise<CheckResult> {
  const mayRead = `n.nspname !~ '^pg_' and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')`
  const result = await readTables(database, { access, address, condition: mayRead }, signal)
  if (typeof result !== 'number') return result
  const name = `tables of ${database.name}`
  const count = database.tables.filter(({ kind }) => kind !== 'f').length
  if (result >= count) return { name, stage, outcome: 'passed', message: `${result} can be read` }
  return {
    name,
    stage,
    outcome: 'not-run',
    message: `${result} of ${count} can be read; role ${access.user} may not read the others`,
  }
}

async function tablesResult(
  database: InventoryDatabase,
  access: Access,
  address: ServerAddress,
  signal: AbortSignal,
): Promise<CheckResult> {
  const result = await readTables(database, { access, address, condition: 'true' }, signal)
  if (typeof result !== 'number') return result
  const message = `${result} can be read, the catalogue's own included`
  return { name: `tables of ${database.name}`, stage, outcome: 'passed', message }
}

interface Reading {
  readonly access: Access
  readonly address: ServerAddress
  /** On pg_class c and pg_namespace n. */
  readonly condition: string
}

/**
 * Reads the first row of every table and materialized view, of each one alone: a foreign partition is somebody else's, and a copy
 * must not go to the servers of the original. @returns how many, or what failed
 */
async function readTables(
  database: InventoryDatabase,
  { access, address, condition }: Reading,
  signal: AbortSignal,
): Promise<number | CheckResult> {
  try {
    return await withConnection(access, { address }, signal, async (connection) => {
      const tables = await connection.rows<{ name: string }>(
        `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where c.relkind in ('r', 'p', 'm') and c.relispopulated and c.relpersistence <> 't' and n.nspname <> 'information_schema'
            and ${condition}`,
      )
      for (const table of tables) await connection.rows(`select 1 from only ${table.name} limit 1`)
      return tables.length
    })
  } catch (error) {
    signal.throwIfAborted()
    return { name: `tables of ${database.name}`, stage, outcome: 'failed', message: refusalOf(error).message }
  }
}
