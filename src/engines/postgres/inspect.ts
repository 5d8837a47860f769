import { HoldfastError } from '../../domain/errors.js'
import { type Access, type Connection, oneRow, withConnection } from './connection.js'
import type { Inventory, InventoryDatabase, InventoryTable } from './inventory.js'
import { type ColumnOrder, schemaFingerprint } from './schema-fingerprint.js'
import type { ServerAddress } from './server-address.js'

interface DatabaseRow {
  readonly oid: string
  readonly name: string
  readonly collation: string
  readonly collation_version: string | null
  readonly actual_collation_version: string | null
}

/**
 * Lists what a server holds: databases, tables, extensions, settings. Databases that cannot be looked into (no privilege, no
 * connection left, a lock nobody gives up) are listed with the reason: pg_basebackup copies them all the same.
 * @throws HoldfastError SOURCE_UNAVAILABLE, SOURCE_DENIED
 */
export async function inspect(
  access: Access,
  address: ServerAddress,
  signal: AbortSignal,
  columns: ColumnOrder = 'as stored',
): Promise<Inventory> {
  const cluster = await withConnection(access, { address }, signal, (connection) => inspectCluster(connection, access))
  const databases: InventoryDatabase[] = []
  const unread: Inventory['unread'] = []
  // One after the other: a server near its limit of connections must not notice us.
  for (const row of cluster.databases) {
    try {
      databases.push(
        await withConnection({ ...access, database: row.name }, { address }, signal, async (connection) => {
          await connection.rows(`set lock_timeout = ${lockTimeoutMs}`)
          await connection.rows(`set statement_timeout = ${statementTimeoutMs}`)
          return inspectDatabase(connection, row, columns)
        }),
      )
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof HoldfastError) || !isOfOneDatabase(error)) throw error
      unread.push({ oid: row.oid, database: row.name, reason: error.message })
    }
  }
  return { ...cluster.rest, databases, unread }
}

/** A backup must not wait for somebody's lock, nor make anybody wait behind us. */
const lockTimeoutMs = 5_000
const statementTimeoutMs = 300_000

/** SQLSTATEs of a server that is well, and of one database that is closed, full, or busy. */
const ofOneDatabase = new Set(['53300', '55000', '55P03', '57014'])

function isOfOneDatabase({ code, details }: HoldfastError): boolean {
  return code === 'SOURCE_DENIED' || ofOneDatabase.has(String(details.sqlstate))
}

async function inspectCluster(connection: Connection, access: Access) {
  const head = await oneRow<{ taken_at: string; version: string; number: number; superuser: string; roles: number }>(
    connection,
    `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as taken_at,
            split_part(current_setting('server_version'), ' ', 1) as version,
            current_setting('server_version_num')::int as number,
            (select rolname from pg_roles where rolsuper and (rolcanlogin or oid = 10)
              order by rolcanlogin desc, oid limit 1) as superuser,
            (select count(*)::int from pg_roles) as roles`,
  )
  const [recorded, actual] =
    head.number >= 150_000 ? ['datcollversion', 'pg_database_collation_actual_version(oid)'] : ['null::text', 'null::text']
  const databases = await connection.rows<DatabaseRow>(
    `select oid::text as oid, datname as name, datcollate as collation, ${recorded} as collation_version,
            ${actual} as actual_collation_version
       from pg_database where datallowconn and datname <> 'template0' order by datname collate "C"`,
  )
  const defaults = await oneRow<{ encoding: string; collate: string; ctype: string }>(
    connection,
    `select pg_encoding_to_char(encoding) as encoding, datcollate as collate, datctype as ctype
       from pg_database where datname = 'template0'`,
  )
  const rest: Omit<Inventory, 'databases' | 'unread'> = {
    version: 1,
    takenAt: head.taken_at,
    serverVersion: head.version,
    superuser: head.superuser,
    connectDatabase: access.database,
    roles: head.roles,
    defaults,
    tablespaces: await readTablespaces(connection),
    settings: await readSettings(connection),
    paths: await readPaths(connection),
  }
  return { databases, rest }
}

/** Tablespaces outside the data directory, by OID. */
export function readTablespaces(connection: Connection): Promise<Inventory['tablespaces']> {
  return connection.rows(
    `select oid::text as oid, spcname as name, pg_tablespace_location(oid) as location
       from pg_tablespace where pg_tablespace_location(oid) like '/%' order by oid`,
  )
}

async function readSettings(connection: Connection): Promise<Record<string, string>> {
  const rows = await connection.rows<{ name: string; value: string }>(
    `select name, current_setting(name) as value from pg_settings
      where source in ('configuration file', 'command line', 'environment variable', 'global')
         or name in ('max_connections', 'max_worker_processes', 'max_wal_senders', 'max_prepared_transactions',
                     'max_locks_per_transaction', 'wal_level', 'wal_segment_size', 'block_size', 'data_checksums')
      order by name collate "C"`,
  )
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]))
}

/** Their values are kept from roles without pg_read_all_settings: then they are not there. */
async function readPaths(connection: Connection): Promise<Inventory['paths']> {
  const rows = await connection.rows<{ name: string; value: string }>(
    `select name, setting as value from pg_settings
      where name in ('data_directory', 'config_file', 'hba_file', 'ident_file') and setting is not null`,
  )
  const values = new Map(rows.map(({ name, value }) => [name, value]))
  const found = (name: string, key: string) => (values.has(name) ? { [key]: values.get(name) } : {})
  return {
    ...found('data_directory', 'dataDirectory'),
    ...found('config_file', 'configFile'),
    ...found('hba_file', 'hbaFile'),
    ...found('ident_file', 'identFile'),
  }
}

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
