import { type Lsn, lsnToBytes, parseLsn } from '../../domain/lsn.js'
import type { Progress } from '../../domain/progress.js'
import type { RecoverRequest } from '../engine.js'
import { type Connection, oneRow } from './connection.js'

/** What a server that lets us in says of its replay. */
export interface Replay {
  readonly recovering: boolean
  /** It waits for somebody to look at it: see `withoutStandby`. */
  readonly paused: boolean
  readonly lsn: string | null
  /** ISO 8601 UTC. */
  readonly at: string | null
}

/** Of the last transaction replayed; it stays after the promotion, until the server is started again. */
export const lastReplayed = `to_char(pg_last_xact_replay_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

export function askReplay(connection: Connection): Promise<Replay> {
  return oneRow<Replay & Record<string, unknown>>(
    connection,
    `select r as recovering, case when r then pg_is_wal_replay_paused() else false end as paused,
            pg_last_wal_replay_lsn()::text as lsn, ${lastReplayed} as at from pg_is_in_recovery() r`,
  )
}

/** From the server once it lets us in, else from its log, where it tells every 10 s how far it is (PostgreSQL 15 and later). */
export function replayProgress({ manifest, recovery }: RecoverRequest, replay: Replay | undefined, log: string): Progress {
  const { facts } = manifest
  if ('dumps' in facts) return { step: 'replay', doneBytes: 0 }
  const start = lsnToBytes(facts.startLsn)
  const totalBytes = Number(lsnToBytes(recovery?.endLsn ?? facts.stopLsn) - start)
  const reached = replay?.lsn ?? [...log.matchAll(/current LSN: ([0-9A-F]+\/[0-9A-F]+)/g)].at(-1)?.[1]
  const doneBytes = reached === undefined ? 0 : bytesBetween(facts.startLsn, parseLsn(reached))
  const at = recovery === undefined ? undefined : (replay?.at ?? undefined)
  return {
    step: 'replay',
    doneBytes: Math.max(0, Math.min(totalBytes, doneBytes)),
    totalBytes,
    ...(at === undefined ? {} : { at }),
  }
}

function bytesBetween(from: Lsn, to: Lsn): number {
  return Number(lsnToBytes(to) - lsnToBytes(from))
}
