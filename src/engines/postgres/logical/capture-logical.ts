import type { Artifact, Captured, PostgresDumpFacts } from '../../../domain/manifest.js'
import type { CaptureSink } from '../../engine.js'
import { type ChosenServer, chooseServer } from '../choose-server.js'
import { type Connection, oneRow, withConnection } from '../connection.js'
import { storeBytes } from '../feed-sink.js'
import { readIdentity } from '../identity.js'
import { inspect } from '../inspect.js'
import { type Inventory, notesOnUnread } from '../inventory.js'
import { lookAgain } from '../look-again.js'
import type { PostgresEngineOptions } from '../options.js'
import { findDumpTools } from '../tools.js'
import { type ChosenDatabase, chooseDatabases } from './choose-databases.js'
import { type DumpPlan, globalsCommand } from './dump-commands.js'
import { dumpDatabase } from './dump-database.js'
import { dumpFailure } from './dump-failure.js'
import { storeOutput } from './store-output.js'

/**
 * Takes a logical backup: roles and their settings, one dump for each database, each of a moment of its own, and an inventory.
 * @throws HoldfastError CAPTURE_LOST, SOURCE_DENIED, SOURCE_UNAVAILABLE, SOURCE_UNSUITABLE, SPACE_SHORT, TOOL_MISSING
 */
export async function captureLogical(
  options: PostgresEngineOptions,
  label: string,
  sink: CaptureSink,
  signal: AbortSignal,
): Promise<Captured> {
  const server = await chooseServer(options, signal)
  const tools = await findDumpTools(options.binDirectories, server.major, signal)
  const plan: DumpPlan = { options, tools, address: server.address, label }
  const look = async () => inspect(options, server.address, signal, 'by name')
  const seen = await look()
  const databases = chooseDatabases(seen, options.logical?.databases)
  const before = withDatabases(seen, databases)
  const facts = await withConnection(options, { address: server.address }, signal, (connection) =>
    readFacts(connection, databases),
  )
  const dumps: Artifact[] = []
  const progress = createAmount(facts.dataBytes, sink)
  for (const database of databases) {
    dumps.push(await dumpDatabase({ plan, database, sink, onBytes: progress.begin(database.name) }, signal))
  }
  // Last: what a dump names by then is there, also a role that was made after its turn.
  const globals = await storeGlobals(plan, facts.passwords, sink, signal)
  const after = await lookAgain(before, async () => withDatabases(await look(), databases), signal)
  const inventory = await storeBytes('inventory.json', 'inventory', Buffer.from(JSON.stringify(after.inventory)), sink)
  return {
    artifacts: [globals, ...dumps, inventory],
    facts: describeFacts(facts, server, options),
    startedAt: before.takenAt,
    stoppedAt: after.stoppedAt,
    tools: { pg_dump: tools.version },
    notes: [
      ...(server.role === 'standby' ? [`captured from the standby ${server.address.label}`] : []),
      ...server.passedOver,
      ...(facts.passwords === 'included'
        ? []
        : ['without the passwords of roles: the role of the backup may not read pg_authid']),
      ...notesOnUnread(after.inventory),
      ...after.notes,
    ],
  }
}

interface Facts {
  readonly systemIdentifier: string
  readonly dataChecksums: boolean
  readonly dataBytes: number
  readonly passwords: 'included' | 'left out'
}

async function readFacts(connection: Connection, databases: readonly ChosenDatabase[]): Promise<Facts> {
  const identity = await readIdentity(connection)
  const oids = databases.map(({ oid }) => oid).join(', ')
  const row = await oneRow<{ bytes: string; passwords: boolean }>(
    connection,
    `select coalesce(sum(case when has_database_privilege(oid, 'connect') or pg_has_role('pg_read_all_stats', 'usage')
                              then pg_database_size(oid) end), 0)::text as bytes,
            has_table_privilege('pg_authid', 'select') as passwords
       from pg_database where oid in (${oids})`,
  )
  return {
    systemIdentifier: identity.system_identifier,
    dataChecksums: identity.checksums === 'on',
    dataBytes: Number(row.bytes),
    passwords: row.passwords ? 'included' : 'left out',
  }
}

function storeGlobals(plan: DumpPlan, passwords: Facts['passwords'], sink: CaptureSink, signal: AbortSignal): Promise<Artifact> {
  const output = {
    command: globalsCommand(plan, passwords),
    name: 'globals.sql',
    content: { role: 'globals' },
    sink,
    onBytes: () => undefined,
    explain: (lastLines: string, cause: unknown) =>
      dumpFailure({ what: 'pg_dumpall of roles', role: plan.options.user, lastLines, cause }),
  } as const
  return storeOutput(output, signal)
}

/** Counts over all databases; the server's own sizes are the estimate, with indexes, which dumps do not hold. */
function createAmount(totalBytes: number, sink: CaptureSink): { begin(item: string): (bytes: number) => void } {
  let doneBytes = 0
  return {
    begin: (item) => (bytes) => {
      doneBytes += bytes
      sink.progress({ step: 'capture', doneBytes, totalBytes: Math.max(totalBytes, doneBytes), item })
    },
  }
}

/** What is in the backup, and nothing else. The new server has a database `postgres` whether or not it was dumped. */
function withDatabases(inventory: Inventory, databases: readonly ChosenDatabase[]): Inventory {
  const oids = new Set(databases.map(({ oid }) => oid))
  const isChosen = ({ oid }: { readonly oid?: string | undefined }) => oid !== undefined && oids.has(oid)
  return {
    ...inventory,
    connectDatabase: 'postgres',
    databases: inventory.databases.filter(isChosen),
    unread: inventory.unread.filter(isChosen),
  }
}

function describeFacts(facts: Facts, server: ChosenServer, { logical }: PostgresEngineOptions): PostgresDumpFacts {
  const { systemIdentifier, dataChecksums, dataBytes } = facts
  return {
    engine: 'postgres',
    systemIdentifier,
    serverVersion: server.version,
    serverVersionNumber: server.versionNumber,
    dataChecksums,
    dataBytes,
    dumps: logical === undefined || logical.jobs === 1 ? 'custom' : 'directory',
  }
}
