import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { HoldfastError } from '../../domain/errors.js'
import { connectionFailure } from './connection-failure.js'
import type { ServerAddress } from './server-address.js'

export type SslMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'

/** How to log in. */
export interface Access {
  readonly user: string
  readonly password?: string
  readonly database: string
  readonly sslmode?: SslMode
  /** PEM file for `verify-ca` and `verify-full`; the system's certificates without it. */
  readonly sslRootCertificate?: string
  /** Paths of a PEM certificate and its key, to log in with. */
  readonly sslClientCertificate?: { readonly certificate: string; readonly key: string }
  readonly connectTimeoutMs: number
  /** How our sessions are called in pg_stat_activity; `holdfast` where left out. */
  readonly applicationName?: string
}

/** The hosts of a system, in the order of preference; a primary is preferred to a standby. */
export interface HostAccess extends Access {
  /** `host:port`, `[v6]:port`, or a directory with the server's socket (`/run/postgresql`, `/run/postgresql:5433`). */
  readonly hosts: readonly string[]
}

/** Replication connections take replication commands and plain SQL is refused; they pass the `replication` lines of pg_hba.conf. */
export type Purpose = 'sql' | 'replication'

/** One session. `rows` fails with a HoldfastError; the session ends with the call of `withConnection`. */
export interface Connection {
  readonly address: ServerAddress
  rows<Row extends pg.QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<Row[]>
}

/**
 * Opens a session, hands it to `use` and closes it whatever happens. Aborting cuts it.
 * @throws HoldfastError SOURCE_UNAVAILABLE, SOURCE_DENIED
 */
export async function withConnection<T>(
  access: Access,
  target: { readonly address: ServerAddress; readonly purpose?: Purpose },
  signal: AbortSignal,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const { address } = target
  const client = await connect(access, address, target.purpose ?? 'sql', signal)
  const cut = () => client.connection.stream.destroy()
  signal.addEventListener('abort', cut, { once: true })
  try {
    return await use({
      address,
      async rows<Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []) {
        try {
          // Without values the simple protocol is used, the only one a replication connection knows.
          const result = values.length === 0 ? await client.query<Row>(sql) : await client.query<Row>(sql, [...values])
          return result.rows
        } catch (error) {
          signal.throwIfAborted()
          throw connectionFailure(address, error)
        }
      },
    })
  } finally {
    // A silent server does not take leave either: that can be cut, too.
    await client.end().catch(() => {})
    signal.removeEventListener('abort', cut)
  }
}

/** The first row, or a defect: for queries that always yield one. */
export async function oneRow<Row extends pg.QueryResultRow>(connection: Connection, sql: string): Promise<Row> {
  const [row] = await connection.rows<Row>(sql)
  if (row === undefined) throw new HoldfastError('INTERNAL', `no row from ${connection.address.label} for: ${sql}`)
  return row
}

async function connect(access: Access, address: ServerAddress, purpose: Purpose, signal: AbortSignal): Promise<pg.Client> {
  const mode = address.host.startsWith('/') ? 'disable' : (access.sslmode ?? 'prefer')
  try {
    return await open(access, address, purpose, mode, signal)
  } catch (error) {
    signal.throwIfAborted()
    if (mode !== 'prefer' || !isWithoutSsl(error)) throw connectionFailure(address, error)
  }
  try {
    return await open(access, address, purpose, 'disable', signal)
  } catch (error) {
    signal.throwIfAborted()
    throw connectionFailure(address, error)
  }
}

async function open(
  access: Access,
  address: ServerAddress,
  purpose: Purpose,
  mode: SslMode,
  signal: AbortSignal,
): Promise<pg.Client> {
  const client = new pg.Client({
    host: address.host,
    port: address.port,
    user: access.user,
    database: access.database,
    // Without one, ~/.pgpass is asked, as pg_basebackup does.
    ...(access.password === undefined ? {} : { password: access.password }),
    ssl: await sslOptions(access, mode),
    connectionTimeoutMillis: access.connectTimeoutMs,
    keepAlive: true,
    application_name: access.applicationName ?? 'holdfast',
    ...(purpose === 'replication' ? { replication: 'true' } : {}),
  })
  // A session that breaks while nobody asks anything is found out by the next query; it must not end the process.
  client.on('error', () => {})
  const cut = () => client.connection.stream.destroy()
  signal.addEventListener('abort', cut, { once: true })
  try {
    await client.connect()
    signal.throwIfAborted()
    return client
  } catch (error) {
    cut()
    throw error
  } finally {
    signal.removeEventListener('abort', cut)
  }
}

async function sslOptions(access: Access, mode: SslMode) {
  if (mode === 'disable') return false
  const own = await clientCertificate(access)
  if (mode === 'prefer' || mode === 'require') return { ...own, rejectUnauthorized: false }
  const ca = access.sslRootCertificate === undefined ? {} : { ca: await readFile(access.sslRootCertificate, 'utf8') }
  if (mode === 'verify-full') return { ...own, ...ca, rejectUnauthorized: true }
  return { ...own, ...ca, rejectUnauthorized: true, checkServerIdentity: () => undefined }
}

async function clientCertificate({ sslClientCertificate: files }: Access): Promise<{ cert?: string; key?: string }> {
  if (files === undefined) return {}
  return { cert: await readFile(files.certificate, 'utf8'), key: await readFile(files.key, 'utf8') }
}

function isWithoutSsl(error: unknown): boolean {
  return error instanceof Error && error.message.includes('does not support SSL')
}
