import { toHoldfastError } from '../../domain/errors.js'
import type { Finding, Probe } from '../engine.js'
import { type ChosenServer, chooseServer } from './choose-server.js'
import { type Connection, oneRow, withConnection } from './connection.js'
import type { PostgresEngineOptions } from './options.js'
import { findTools } from './tools.js'

/**
 * Looks at the server a backup would be taken from: everything that can be known before it begins, as findings.
 * @throws HoldfastError SOURCE_UNAVAILABLE, SOURCE_DENIED, TOOL_MISSING
 */
export async function probe(options: PostgresEngineOptions, signal: AbortSignal): Promise<Probe> {
  const server = await chooseServer(options, signal)
  const tools = await findTools(options.binDirectories, server.major, signal)
  const facts = await withConnection(options, { address: server.address }, signal, readFacts)
  const identity = await identifySystem(options, server, signal)
  return {
    identity: identity.systemIdentifier,
    version: server.version,
    versionNumber: server.versionNumber,
    estimatedBytes: Number(facts.estimated_bytes),
    findings: [
      serverFinding(server),
      { subject: 'tools', outcome: 'ok', message: `pg_basebackup ${tools.version} in ${tools.directory}` },
      versionFinding(server),
      replicationFinding(facts, identity.failure),
      sendersFinding(facts),
      walLevelFinding(facts),
      checksumFinding(facts),
      clockFinding(facts),
      compressionFinding(facts, server),
      monitoringFinding(facts),
      configurationFinding(facts),
      { subject: 'tablespaces', outcome: 'ok', message: `${facts.tablespaces} besides the data directory` },
      { subject: 'WAL segments', outcome: 'ok', message: `${facts.segment_size} each` },
    ],
  }
}

interface Facts {
  readonly estimated_bytes: string
  readonly role: string
  readonly superuser: boolean
  readonly replication: boolean
  readonly max_senders: number
  readonly used_senders: number
  readonly wal_level: string
  readonly checksums: string
  readonly full_page_writes: string
  readonly tablespaces: number
  readonly segment_size: string
  readonly zstd: boolean
  readonly monitors: boolean
  readonly reads_files: boolean
  readonly clock_ms: string
  readonly skewMs: number
}

async function readFacts(connection: Connection): Promise<Facts> {
  const before = Date.now()
  const row = await oneRow<Omit<Facts, 'skewMs'>>(
    connection,
    `select (select coalesce(sum(pg_database_size(oid)), 0) from pg_database
              where has_database_privilege(oid, 'connect') or pg_has_role('pg_read_all_stats', 'usage'))::text as estimated_bytes,
            current_user as role, r.rolsuper as superuser, r.rolreplication as replication,
            current_setting('max_wal_senders')::int as max_senders,
            (select count(*)::int from pg_stat_replication) as used_senders,
            current_setting('wal_level') as wal_level,
            current_setting('data_checksums') as checksums,
            current_setting('full_page_writes') as full_page_writes,
            (select count(*)::int from pg_tablespace where spcname not in ('pg_default', 'pg_global')) as tablespaces,
            current_setting('wal_segment_size') as segment_size,
            coalesce((select 'zstd' = any (enumvals) from pg_settings where name = 'wal_compression'), false) as zstd,
            pg_has_role('pg_monitor', 'usage') as monitors,
            has_function_privilege('pg_read_binary_file(text)', 'execute')
              and pg_has_role('pg_read_server_files', 'usage') as reads_files,
            (extract(epoch from clock_timestamp()) * 1000)::bigint::text as clock_ms
       from pg_roles r where r.rolname = current_user`,
  )
  const after = Date.now()
  return { ...row, skewMs: Number(row.clock_ms) - (before + after) / 2 }
}

/** Asks over a replication connection: the way pg_basebackup will come, pg_hba.conf's own lines for it included. */
async function identifySystem(
  options: PostgresEngineOptions,
  server: ChosenServer,
  signal: AbortSignal,
): Promise<{ systemIdentifier: string; failure?: string }> {
  const { address } = server
  try {
    const row = await withConnection(options, { address, purpose: 'replication' }, signal, (connection) =>
      oneRow<{ systemid: string }>(connection, 'IDENTIFY_SYSTEM'),
    )
    return { systemIdentifier: row.systemid }
  } catch (error) {
    signal.throwIfAborted()
    const row = await withConnection(options, { address }, signal, (connection) =>
      oneRow<{ systemid: string }>(connection, 'select system_identifier::text as systemid from pg_control_system()'),
    )
    return { systemIdentifier: row.systemid, failure: toHoldfastError(error).message }
  }
}

function serverFinding(server: ChosenServer): Finding {
  const message = `PostgreSQL ${server.version} at ${server.address.label}, a ${server.role}`
  if (server.passedOver.length === 0) return { subject: 'server', outcome: 'ok', message }
  return { subject: 'server', outcome: 'warning', message: `${message}; ${server.passedOver.join('; ')}` }
}

function versionFinding(server: ChosenServer): Finding {
  if (server.versionNumber >= 130_000) return { subject: 'version', outcome: 'ok', message: `${server.version} is supported` }
  return {
    subject: 'version',
    outcome: 'failed',
    message: `PostgreSQL ${server.version} makes no backup manifest`,
    hint: 'upgrade to 13 or later',
  }
}

function replicationFinding(facts: Facts, failure: string | undefined): Finding {
  const subject = 'replication privilege'
  if (failure === undefined) return { subject, outcome: 'ok', message: `role ${facts.role} may open replication connections` }
  const lacksAttribute = !facts.replication && !facts.superuser
  return {
    subject,
    outcome: 'failed',
    message: failure,
    hint: lacksAttribute
      ? `alter role "${facts.role}" replication`
      : `add a line \`host replication "${facts.role}" …\` to pg_hba.conf and reload`,
  }
}

function sendersFinding(facts: Facts): Finding {
  const free = facts.max_senders - facts.used_senders
  const message = `${free} of ${facts.max_senders} WAL senders are free`
  if (free >= 2) return { subject: 'WAL senders', outcome: 'ok', message }
  return { subject: 'WAL senders', outcome: 'failed', message, hint: 'a backup needs two: raise max_wal_senders' }
}

function walLevelFinding(facts: Facts): Finding {
  const message = `wal_level is ${facts.wal_level}`
  if (facts.wal_level !== 'minimal') return { subject: 'WAL level', outcome: 'ok', message }
  return { subject: 'WAL level', outcome: 'failed', message, hint: 'set wal_level to replica and restart the server' }
}

function checksumFinding(facts: Facts): Finding {
  if (facts.checksums === 'on') return { subject: 'data checksums', outcome: 'ok', message: 'on' }
  return {
    subject: 'data checksums',
    outcome: 'warning',
    message: 'off: damage on the server’s disk would be copied unseen',
    hint: 'run pg_checksums --enable while the server is stopped',
  }
}

const tolerableSkewMs = 5_000

function clockFinding(facts: Facts): Finding {
  const message = `the server's clock differs from ours by ${(facts.skewMs / 1000).toFixed(1)} s`
  if (Math.abs(facts.skewMs) <= tolerableSkewMs) return { subject: 'clock', outcome: 'ok', message }
  return { subject: 'clock', outcome: 'warning', message, hint: 'restore targets are times: synchronise the clocks' }
}

function compressionFinding(facts: Facts, server: ChosenServer): Finding {
  const can = facts.zstd && server.versionNumber >= 150_000
  const message = can ? 'the server compresses with zstd' : 'the server cannot compress with zstd; it is done on our side'
  return { subject: 'compression', outcome: 'ok', message }
}

function monitoringFinding({ monitors, role }: Facts): Finding {
  const subject = 'monitoring privilege'
  if (monitors) return { subject, outcome: 'ok', message: `role ${role} is in pg_monitor` }
  return {
    subject,
    outcome: 'warning',
    message: `role ${role} is not in pg_monitor: progress, sizes and where configuration files are may stay unknown`,
    hint: `grant pg_monitor to "${role}"`,
  }
}

function configurationFinding(facts: Facts): Finding {
  if (facts.reads_files) return { subject: 'configuration files', outcome: 'ok', message: 'can be read' }
  return {
    subject: 'configuration files',
    outcome: 'warning',
    message: `role ${facts.role} may not read configuration files outside the data directory; backups will not hold them`,
    hint: `grant pg_read_server_files to "${facts.role}"; grant execute on function pg_read_binary_file(text) to "${facts.role}"`,
  }
}
