import { HoldfastError } from '../../domain/errors.js'
import { type Access, type Connection, oneRow, withConnection } from './connection.js'
import { inspectOne, readDatabases } from './inspect-database.js'
import type { Inventory, InventoryDatabase } from './inventory.js'
import type { ColumnOrder } from './schema-fingerprint.js'
import type { ServerAddress } from './server-address.js'

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
      databases.push(await inspectOne({ ...access, database: row.name }, address, row, signal, columns))
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof HoldfastError) || !isOfOneDatabase(error)) throw error
      unread.push({ oid: row.oid, database: row.name, reason: error.message })
    }
  }
  return { ...cluster.rest, databases, unread }
}

/** SQLSTATEs of a server that is well, and of one database that is closed, full, or busy. */
const ofOneDatabase = new Set(['53300', '55000', '55P03', '57014'])

function isOfOneDatabase({ code, details }: HoldfastError): boolean {
  return code === 'SOURCE_DENIED' || ofOneDatabase.has(String(details.sqlstate))
}

async function inspectCluster(connection: Connection, access: Access) {
  const head = await oneRow<{ taken_at: string; version: string; superuser: string; roles: number }>(
    connection,
    `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as taken_at,
            split_part(current_setting('server_version'), ' ', 1) as version,
            (select rolname from pg_roles where rolsuper and (rolcanlogin or oid = 10)
              order by rolcanlogin desc, oid limit 1) as superuser,
            (select count(*)::int from pg_roles) as roles`,
  )
  const databases = await readDatabases(
    connection,
    `datallowconn and datconnlimit <> ${dropInterrupted} and datname <> 'template0'`,
  )
  const interrupted = await readDatabases(connection, `datconnlimit = ${dropInterrupted}`)
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
    ...(interrupted.length === 0 ? {} : { interrupted: interrupted.map(({ name }) => name) }),
    tablespaces: await readTablespaces(connection),
    settings: await readSettings(connection),
    paths: await readPaths(connection),
  }
  return { databases, rest }
}

/** What `datconnlimit` says of a database whose DROP did not come to its end: it can be dropped again, and nothing else. */
const dropInterrupted = -2

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
