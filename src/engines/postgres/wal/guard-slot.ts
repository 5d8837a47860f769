import { HoldfastError } from '../../../domain/errors.js'
import { type Lsn, parseLsn } from '../../../domain/lsn.js'
import type { Guard } from '../../wal-source.js'
import type { Connection } from '../connection.js'

interface Slot {
  readonly slot_type: string
  readonly restart_lsn: string | null
  readonly wal_status: string | null
  readonly safe_bytes: string | null
  readonly kept_bytes: string | null
}

/** Where a server stands by itself: what it has written, or, while it recovers, replayed. */
const here = 'case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end'

/** The slot as it is, made where there is none, made anew where the server has dropped what it was to keep. */
export async function ensureSlot(connection: Connection, name: string): Promise<Guard> {
  const slot = await readSlot(connection, name)
  if (slot === undefined) return { ...(await makeSlot(connection, name)), state: 'made' }
  if (slot.slot_type !== 'physical') {
    const message = `${connection.address.label} has a replication slot ${name} that is not physical`
    throw new HoldfastError('SOURCE_UNSUITABLE', message, { hint: 'drop it, or give the system another name' })
  }
  if (slot.wal_status !== 'lost' && slot.restart_lsn !== null) return { ...guardOf(slot), state: 'ensured' }
  await connection.rows('select pg_drop_replication_slot($1)', [name])
  return { ...(await makeSlot(connection, name)), state: 'lost' }
}

/** Moves a primary's slot forward, as far as the server itself has come. One that is there already stays. */
export async function advanceSlot(connection: Connection, name: string, lsn: Lsn): Promise<void> {
  await connection.rows(
    `select pg_replication_slot_advance(slot_name, least($2::pg_lsn, ${here}))
       from pg_replication_slots where slot_name = $1 and restart_lsn < least($2::pg_lsn, ${here})`,
    [name, lsn],
  )
}

/**
 * The same on a standby, as far as it has replayed. One that is promoted this very moment has replayed what comes before the fork, and no more:
 * what comes after nobody else may have.
 */
export async function advanceOnStandby(connection: Connection, name: string, lsn: Lsn): Promise<void> {
  const upTo = 'least($2::pg_lsn, pg_last_wal_replay_lsn())'
  await connection.rows(
    `select pg_replication_slot_advance(slot_name, ${upTo})
       from pg_replication_slots where slot_name = $1 and restart_lsn < ${upTo} and pg_is_in_recovery()`,
    [name, lsn],
  )
}

async function makeSlot(connection: Connection, name: string): Promise<Omit<Guard, 'state'>> {
  await connection.rows('select pg_create_physical_replication_slot($1, true)', [name])
  const slot = await readSlot(connection, name)
  if (slot === undefined) throw new HoldfastError('SOURCE_UNAVAILABLE', `replication slot ${name} was dropped while it was made`)
  return guardOf(slot)
}

async function readSlot(connection: Connection, name: string): Promise<Slot | undefined> {
  const [slot] = await connection.rows<Slot>(
    `select slot_type, restart_lsn::text, wal_status, safe_wal_size::text as safe_bytes,
            pg_wal_lsn_diff(${here}, restart_lsn)::text as kept_bytes
       from pg_replication_slots where slot_name = $1`,
    [name],
  )
  return slot
}

function guardOf({ restart_lsn, safe_bytes, kept_bytes }: Slot): Omit<Guard, 'state'> {
  if (restart_lsn === null) throw new HoldfastError('SOURCE_UNAVAILABLE', 'the replication slot reserves nothing')
  const restartLsn = parseLsn(restart_lsn)
  const keptBytes = Math.max(0, Number(kept_bytes))
  return { restartLsn, keptBytes, ...(safe_bytes === null ? {} : { safeBytes: Number(safe_bytes) }) }
}
