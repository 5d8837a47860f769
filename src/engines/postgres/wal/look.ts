import { type Lsn, parseLsn } from '../../../domain/lsn.js'
import type { WalLook } from '../../wal-source.js'
import { type Connection, oneRow } from '../connection.js'

interface Row {
  readonly at_ms: string
  readonly lsn: string
  readonly segment: string
  readonly received_lsn: string | null
}

/**
 * Clock first, position after: what had been committed by then had been flushed by then. The newest of our receivers counts: the
 * server may not have noticed yet that an earlier one is gone.
 */
export async function lookAtWal(connection: Connection, applicationName: string): Promise<WalLook> {
  const row = await oneRow<Row>(
    connection,
    `select at_ms, lsn, segment,
            (select write_lsn::text from pg_stat_replication where application_name = '${applicationName}'
              order by backend_start desc limit 1) as received_lsn
       from (select (extract(epoch from clock_timestamp()) * 1000)::bigint::text as at_ms) clock,
            lateral (select pg_current_wal_flush_lsn()::text as lsn, pg_walfile_name(pg_current_wal_lsn()) as segment
                      where at_ms is not null) position`,
  )
  return {
    at: new Date(Number(row.at_ms)).toISOString(),
    timeline: Number.parseInt(row.segment.slice(0, 8), 16),
    lsn: parseLsn(row.lsn),
    ...(row.received_lsn === null ? {} : { receivedLsn: parseLsn(row.received_lsn) }),
  }
}

/** Whether a standby has as much as that: one that has not would be waited for. */
export async function hasReached(connection: Connection, lsn: Lsn): Promise<boolean> {
  const { reached } = await oneRow<{ reached: boolean | null }>(
    connection,
    `select coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) >= '${lsn}' as reached`,
  )
  return reached ?? false
}
