import { type HoldfastError, toHoldfastError } from '../../domain/errors.js'
import { askServer } from './ask-server.js'
import { type HostAccess, oneRow } from './connection.js'
import type { WritableServer } from './rival-primaries.js'
import { parseServerAddress, type ServerAddress } from './server-address.js'
import { majorOf } from './server-version.js'

/** A host that answers. */
export interface FoundServer {
  readonly address: ServerAddress
  readonly role: 'primary' | 'standby'
  /** `15.18` and 150018. */
  readonly version: string
  readonly versionNumber: number
  readonly major: string
  /** Of a primary. */
  readonly writable?: WritableServer
}

export type HostAnswer = { readonly server: FoundServer } | { readonly address: ServerAddress; readonly failure: HoldfastError }

/** Asks all hosts at once. @returns what became of each, in their order */
export function lookAtHosts(access: HostAccess, signal: AbortSignal): Promise<HostAnswer[]> {
  return Promise.all(access.hosts.map((host) => lookAtHost(access, parseServerAddress(host), signal)))
}

export function serversOf(answers: readonly HostAnswer[]): FoundServer[] {
  return answers.flatMap((answer) => ('server' in answer ? [answer.server] : []))
}

export function writableOf(servers: readonly FoundServer[]): WritableServer[] {
  return servers.flatMap(({ writable }) => (writable === undefined ? [] : [writable]))
}

async function lookAtHost(access: HostAccess, address: ServerAddress, signal: AbortSignal): Promise<HostAnswer> {
  try {
    return { server: await lookAt(access, address, signal) }
  } catch (error) {
    signal.throwIfAborted()
    return { address, failure: toHoldfastError(error) }
  }
}

interface Row {
  readonly recovering: boolean
  readonly version: string
  readonly number: number
  readonly identifier: string
  readonly started: string
  readonly segment: string | null
}

async function lookAt(access: HostAccess, address: ServerAddress, signal: AbortSignal): Promise<FoundServer> {
  const row = await askServer(access, { address }, signal, (connection) =>
    oneRow<Row>(
      connection,
      // The control file tells the timeline of the last checkpoint, which may be of before a promotion.
      `select pg_is_in_recovery() as recovering,
              split_part(current_setting('server_version'), ' ', 1) as version,
              current_setting('server_version_num')::int as number,
              (select system_identifier::text from pg_control_system()) as identifier,
              extract(epoch from pg_postmaster_start_time())::text as started,
              case when pg_is_in_recovery() then null else pg_walfile_name(pg_current_wal_insert_lsn()) end as segment`,
    ),
  )
  const server = { address, version: row.version, versionNumber: row.number, major: majorOf(row.number) }
  if (row.segment === null) return { ...server, role: 'standby' }
  const timeline = Number.parseInt(row.segment.slice(0, 8), 16)
  const writable = { label: address.label, systemIdentifier: row.identifier, startedAt: row.started, timeline }
  return { ...server, role: 'primary', writable }
}
