import { type Connection, oneRow } from './connection.js'

/** What the control file says of a cluster. */
export interface Identity {
  readonly system_identifier: string
  readonly segment_bytes: string
  readonly checksums: string
}

export function readIdentity(connection: Connection): Promise<Identity> {
  return oneRow<Identity>(
    connection,
    `select (select system_identifier::text from pg_control_system()) as system_identifier,
            (select setting::bigint::text from pg_settings where name = 'wal_segment_size') as segment_bytes,
            current_setting('data_checksums') as checksums`,
  )
}
