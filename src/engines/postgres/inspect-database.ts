import { HoldfastError } from '../../domain/errors.js'
import { type Access, type Connection, oneRow, withConnection } from './connection.js'
import { readDefinition, readNeededRoles } from './database-definition.js'
import type { InventoryDatabase, InventoryTable } from './inventory.js'
import { type ColumnOrder, schemaFingerprint } from './schema-fingerprint.js'
import type { ServerAddress } from './server-address.js'
import { readVersionNumber } from './server-version.js'

export interface DatabaseRow {
  readonly oid: string
  readonly name: string
  readonly collation: string
  readonly collation_version: string | null
  readonly actual_collation_version: string | null
}

/** @param condition on pg_database */
export async function readDatabases(connection: Connection, condition: string): Promise<DatabaseRow[]> {
  const number = await readVersionNumber(connection)
  const [recorded, actual] =
    number >= 150_000 ? ['datcollversion', 'pg_database_collation_actual_version(oid)'] : ['null::text', 'null::text']
  return connection.rows<DatabaseRow>(
    `select oid::text as oid, datname as name, datcollate as collation, ${recorded} as collation_version,
            ${actual} as actual_collation_version
       from pg_database where ${condition} order by datname collate "C"`,
  )
}

/** Lists what one database holds: the one that is logged into. @throws HoldfastError SOURCE_UNAVAILABLE, SOURCE_DENIED */
export async function inspectAlone(
  access: Access,
  address: ServerAddress,
  signal: AbortSignal,
  columns: ColumnOrder,
): Promise<InventoryDatabase> {
  const row = await withConnection(access, { address }, signal, async (connection) => {
    const [own] = await readDatabases(connection, 'datname = current_database()')
    return own
  })
  if (row !== undefined) return inspectOne(access, address, row, signal, columns)
  throw new HoldfastError('INTERNAL', `database ${access.database} does not know itself`)
}

export function inspectOne(
  access: Access,
  address: ServerAddress,
  row: DatabaseRow,
  signal: AbortSignal,
  columns: ColumnOrder,
): Promise<InventoryDatabase> {
  return withConnection(access, { address }, signal, async (connection) => {
    await connection.rows(`set lock_timeout = ${lockTimeoutMs}`)
    await connection.rows(`set statement_timeout = ${statementTimeoutMs}`)
    return inspectDatabase(connection, row, columns)
  })
}

/** A backup must not wait for somebody's lock, nor make anybody wait behind us. */
const lockTimeoutMs = 5_000
const statementTimeoutMs = 300_000

async function inspectDatabase(connection: Connection, row: DatabaseRow, columns: ColumnOrder): Promise<InventoryDatabase> {
  const tables = await connection.rows<InventoryTable>(
    `select c.oid::text as oid, n.nspname as schema, c.relname as name, c.relkind as kind, c.relpersistence as persistence,
            c.reltuples::float8 as "estimatedRows",
            array(select d.classid || ':' || d.objid from pg_depend d
                   where d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.deptype in ('a', 'i', 'S')
                     and d.classid <> 'pg_publication_rel'::regclass order by d.classid, d.objid) as parts,
            array(select d.refobjid::text from pg_attrdef f join pg_depend d on d.classid = 'pg_attrdef'::regclass and d.objid = f.oid
                    join pg_class s on d.refclassid = 'pg_class'::regclass and s.oid = d.refobjid and s.relkind = 'S'
                   where f.adrelid = c.oid order by 1) as sequences
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'm', 'f') and c.relpersistence <> 't'
        and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
      order by n.nspname collate "C", c.relname collate "C"`,
  )
  const extensions = await connection.rows<{ name: string; version: string }>(
    'select extname as name, extversion as version from pg_extension order by extname collate "C"',
  )
  const schemas = await connection.rows<{ name: string }>(
    `select nspname as name from pg_namespace
      where nspname not like 'pg\\_%' and nspname <> 'information_schema' order by nspname collate "C"`,
  )
  return {
    oid: row.oid,
    name: row.name,
    collation: row.collation,
    definition: await readDefinition(connection),
    roles: await readNeededRoles(connection),
    ...(row.collation_version === null ? {} : { collationVersion: row.collation_version }),
    ...(row.actual_collation_version === null ? {} : { actualCollationVersion: row.actual_collation_version }),
    extensions,
    schemas: schemas.map(({ name }) => name),
    tables,
    fingerprint: await schemaFingerprint(connection, columns),
    catalogWrites: await countCatalogWrites(connection),
    during: 'unchanged',
  }
}

/**
 * Moves when definitions are made, altered or dropped, temporary tables' included. ANALYZE and VACUUM do not move it: they
 * update rows of pg_class in place, which is not counted.
 */
async function countCatalogWrites(connection: Connection): Promise<string> {
  const { writes } = await oneRow<{ writes: string }>(
    connection,
    `select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::text as writes from pg_stat_sys_tables
      where schemaname = 'pg_catalog' and relname in ('pg_namespace', 'pg_class', 'pg_attribute', 'pg_attrdef', 'pg_index',
        'pg_constraint', 'pg_proc', 'pg_trigger', 'pg_policy', 'pg_type', 'pg_enum', 'pg_extension', 'pg_rewrite')`,
  )
  return writes
}
