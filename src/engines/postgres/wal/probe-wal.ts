import { formatDuration } from '../../../domain/quantity.js'
import type { Finding } from '../../engine.js'
import { chooseServer } from '../choose-server.js'
import { oneRow, withConnection } from '../connection.js'
import type { PostgresEngineOptions } from '../options.js'

interface Facts {
  readonly wal_level: string
  readonly keep_mb: number
  /** Of PostgreSQL 18 and later. */
  readonly idle_seconds: number | null
  readonly slots: number
  readonly used_slots: number
  readonly senders: number
  readonly used_senders: number
  readonly role: string
  readonly may: boolean
  readonly wal_status: string | null
}

/** What archiving needs of the server besides what a backup needs of it. */
export async function probeWal(options: PostgresEngineOptions, slot: string, signal: AbortSignal): Promise<readonly Finding[]> {
  const server = await chooseServer(options, signal)
  const facts = await withConnection(options, server, signal, (connection) =>
    oneRow<Facts>(
      connection,
      `select current_setting('wal_level') as wal_level,
              (select setting::bigint::int from pg_settings where name = 'max_slot_wal_keep_size') as keep_mb,
              (select setting::bigint::int from pg_settings where name = 'idle_replication_slot_timeout') as idle_seconds,
              current_setting('max_replication_slots')::int as slots,
              (select count(*)::int from pg_replication_slots where slot_name <> '${slot}') as used_slots,
              current_setting('max_wal_senders')::int as senders,
              (select count(*)::int from pg_stat_replication) as used_senders,
              current_user as role, r.rolsuper or r.rolreplication as may,
              (select wal_status from pg_replication_slots where slot_name = '${slot}') as wal_status
         from pg_roles r where r.rolname = current_user`,
    ),
  )
  return [
    levelFinding(facts),
    keepFinding(facts),
    ...idleFinding(facts),
    slotsFinding(facts, slot),
    sendersFinding(facts),
    roleFinding(facts),
  ]
}

function levelFinding({ wal_level }: Facts): Finding {
  const subject = 'archiving: WAL level'
  const message = `wal_level is ${wal_level}`
  if (wal_level !== 'minimal') return { subject, outcome: 'ok', message }
  return { subject, outcome: 'failed', message, hint: 'set wal_level to replica and restart the server' }
}

/** Without a bound, repositories that stay away fill the disk of production. */
function keepFinding({ keep_mb }: Facts): Finding {
  const subject = 'archiving: WAL kept by the server'
  if (keep_mb > 0) return { subject, outcome: 'ok', message: `max_slot_wal_keep_size is ${keep_mb} MB` }
  return {
    subject,
    outcome: 'failed',
    message: `max_slot_wal_keep_size is ${keep_mb}: an archive that is away would fill the server's disk`,
    hint: "set it to what the disk can spare (`alter system set max_slot_wal_keep_size = '20GB'`) and reload; no restart is needed",
  }
}

/** Nobody is connected to our slot: it counts as idle from one move to the next, so while a repository is away. */
function idleFinding({ idle_seconds }: Facts): Finding[] {
  if (idle_seconds === null || idle_seconds === 0) return []
  return [
    {
      subject: 'archiving: idle slots',
      outcome: 'warning',
      message: `idle_replication_slot_timeout is ${formatDuration(idle_seconds * 1000)}: an archive that is away for longer loses WAL`,
      hint: 'set it to 0 and bound what slots keep with max_slot_wal_keep_size, or well above the longest outage',
    },
  ]
}

function slotsFinding({ slots, used_slots, wal_status }: Facts, slot: string): Finding {
  const subject = 'archiving: replication slot'
  const message = wal_status === null ? `${slots - used_slots} of ${slots} slots are free` : `${slot} is there, ${wal_status}`
  if (wal_status === 'lost') {
    return {
      subject,
      outcome: 'warning',
      message,
      hint: 'archiving makes it anew; `holdfast wal status` says whether WAL was lost',
    }
  }
  if (used_slots < slots) return { subject, outcome: 'ok', message }
  return {
    subject,
    outcome: 'failed',
    message,
    hint: 'raise max_replication_slots (needs a restart), or drop a slot nobody uses',
  }
}

/** One for the receiver for ever, two for a backup meanwhile. */
const sendersNeeded = 3

function sendersFinding({ senders, used_senders }: Facts): Finding {
  const subject = 'archiving: WAL senders'
  const message = `${senders - used_senders} of ${senders} are free`
  if (senders - used_senders >= sendersNeeded) return { subject, outcome: 'ok', message }
  const hint = 'archiving takes one, and a backup two at the same time: raise max_wal_senders (needs a restart)'
  return { subject, outcome: senders > used_senders ? 'warning' : 'failed', message, hint }
}

function roleFinding({ role, may }: Facts): Finding {
  const subject = 'archiving: privileges'
  if (may) return { subject, outcome: 'ok', message: `role ${role} may make replication slots` }
  return {
    subject,
    outcome: 'failed',
    message: `role ${role} may not make replication slots`,
    hint: `alter role "${role}" replication`,
  }
}
