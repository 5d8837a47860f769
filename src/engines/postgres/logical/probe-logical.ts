import type { Finding, Probe } from '../../engine.js'
import { chooseServer } from '../choose-server.js'
import { oneRow, withConnection } from '../connection.js'
import { readIdentity } from '../identity.js'
import type { PostgresEngineOptions } from '../options.js'
import { findDumpTools } from '../tools.js'

/**
 * Looks at the server a logical backup would be taken from. Nothing is needed of replication.
 * @throws HoldfastError SOURCE_UNAVAILABLE, SOURCE_DENIED, TOOL_MISSING
 */
export async function probeLogical(options: PostgresEngineOptions, signal: AbortSignal): Promise<Probe> {
  const server = await chooseServer(options, signal)
  const tools = await findDumpTools(options.binDirectories, server.major, signal)
  const { identity, role } = await withConnection(options, { address: server.address }, signal, async (connection) => ({
    identity: await readIdentity(connection),
    role: await oneRow<Role>(connection, roleQuery),
  }))
  const where = `PostgreSQL ${server.version} at ${server.address.label}, a ${server.role}`
  return {
    identity: identity.system_identifier,
    version: server.version,
    versionNumber: server.versionNumber,
    estimatedBytes: Number(role.estimated_bytes),
    findings: [
      server.passedOver.length === 0
        ? { subject: 'server', outcome: 'ok', message: where }
        : { subject: 'server', outcome: 'warning', message: `${where}; ${server.passedOver.join('; ')}` },
      { subject: 'tools', outcome: 'ok', message: `pg_dump ${tools.version} in ${tools.directory}` },
      readingFinding(role),
      passwordsFinding(role),
    ],
  }
}

interface Role {
  readonly name: string
  readonly reads_all: boolean
  readonly reads_passwords: boolean
  readonly estimated_bytes: string
}

/** The role pg_read_all_data is there from 14 on. */
const roleQuery = `
  select current_user as name,
         r.rolsuper or exists (select from pg_roles d where d.rolname = 'pg_read_all_data' and pg_has_role(d.oid, 'usage')) as reads_all,
         has_table_privilege('pg_authid', 'select') as reads_passwords,
         (select coalesce(sum(pg_database_size(oid)), 0) from pg_database
           where has_database_privilege(oid, 'connect') or pg_has_role('pg_read_all_stats', 'usage'))::text as estimated_bytes
    from pg_roles r where r.rolname = current_user`

function readingFinding({ name, reads_all }: Role): Finding {
  const subject = 'reading privilege'
  if (reads_all) return { subject, outcome: 'ok', message: `role ${name} may read all data` }
  return {
    subject,
    outcome: 'warning',
    message: `role ${name} may not read all data: a dump fails at the first table it may not read`,
    hint: `grant pg_read_all_data to "${name}"`,
  }
}

function passwordsFinding({ name, reads_passwords }: Role): Finding {
  const subject = 'passwords of roles'
  if (reads_passwords) return { subject, outcome: 'ok', message: 'can be read' }
  return {
    subject,
    outcome: 'warning',
    message: `role ${name} may not read pg_authid; logical backups will hold the roles without their passwords`,
    hint: `grant select on pg_authid to "${name}", in the database it connects to`,
  }
}
