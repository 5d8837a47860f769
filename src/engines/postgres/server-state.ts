import { type HoldfastError, toHoldfastError } from '../../domain/errors.js'
import { type Connection, oneRow } from './connection.js'

/** What a running server says of itself. */
export interface State {
  readonly version: string
  readonly recovering: boolean
  readonly timeline: number
  readonly identifier: string
  readonly archive_mode: string
}

export async function readState(connection: Connection): Promise<State> {
  const row = await oneRow<Omit<State, 'timeline'> & { segment: string | null }>(
    connection,
    `select current_setting('server_version') as version, pg_is_in_recovery() as recovering,
            case when not pg_is_in_recovery() then pg_walfile_name(pg_current_wal_lsn()) end as segment,
            (select system_identifier::text from pg_control_system()) as identifier,
            current_setting('archive_mode') as archive_mode`,
  )
  return { ...row, timeline: Number.parseInt(row.segment?.slice(0, 8) ?? '0', 16) }
}

/** Why the server does not tell. @throws SOURCE_UNAVAILABLE: one that is away says nothing of what was restored, and is asked again */
export function refusalOf(error: unknown): HoldfastError {
  const refusal = toHoldfastError(error)
  if (refusal.code === 'SOURCE_UNAVAILABLE') throw refusal
  return refusal
}
