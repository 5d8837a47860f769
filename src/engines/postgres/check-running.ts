import { toHoldfastError } from '../../domain/errors.js'
import type { CheckResult } from '../../domain/operations.js'
import type { CheckRequest } from '../engine.js'
import { type Access, type Connection, oneRow, withConnection } from './connection.js'
import { inspect } from './inspect.js'
import { instanceAccess } from './instance-access.js'
import { readInstanceInventory } from './instance-files.js'
import type { Inventory, InventoryDatabase } from './inventory.js'
import type { ServerAddress } from './server-address.js'

const stage = 'running'

/** Is the running server a recovered copy of the original, and cut off from it? */
export async function checkRunning({ instance, manifest }: CheckRequest, signal: AbortSignal): Promise<CheckResult[]> {
  const inventory = await readInstanceInventory(instance)
  const { access, address } = instanceAccess(instance, inventory)
  const state = await withConnection(access, { address }, signal, readState).catch((error: unknown) => toHoldfastError(error))
  signal.throwIfAborted()
  if (state instanceof Error) {
    const rest = ['recovery', 'timeline', 'system', 'archiving', 'databases']
    return [
      { name: 'connection', stage, outcome: 'failed', message: state.message },
      ...rest.map((name): CheckResult => ({ name, stage, outcome: 'not-run', message: 'the server cannot be asked' })),
    ]
  }
  const { facts } = manifest
  return [
    { name: 'connection', stage, outcome: 'passed', message: `PostgreSQL ${state.version} answers` },
    judge('recovery', !state.recovering, 'is over', 'is still under way'),
    judge(
      'timeline',
      state.timeline > facts.timeline,
      `${state.timeline}, after ${facts.timeline}`,
      `${state.timeline}: the original's own`,
    ),
    judge(
      'system',
      state.identifier === facts.systemIdentifier,
      state.identifier,
      `${state.identifier}, not ${facts.systemIdentifier}`,
    ),
    judge(
      'archiving',
      state.archive_mode === 'off',
      'is off',
      `archive_mode is ${state.archive_mode}: it would write into the original's archive`,
    ),
    ...(await checkContents(inventory, access, address, signal)),
    checksumResult(facts.dataChecksums ? 'needs a stopped server' : 'the original has no data checksums'),
  ]
}

interface State {
  readonly version: string
  readonly recovering: boolean
  readonly timeline: number
  readonly identifier: string
  readonly archive_mode: string
}

async function readState(connection: Connection): Promise<State> {
  const row = await oneRow<Omit<State, 'timeline'> & { segment: string | null }>(
    connection,
    `select current_setting('server_version') as version, pg_is_in_recovery() as recovering,
            case when not pg_is_in_recovery() then pg_walfile_name(pg_current_wal_lsn()) end as segment,
            (select system_identifier::text from pg_control_system()) as identifier,
            current_setting('archive_mode') as archive_mode`,
  )
  return { ...row, timeline: Number.parseInt(row.segment?.slice(0, 8) ?? '0', 16) }
}

async function checkContents(
  inventory: Inventory,
  access: Access,
  address: ServerAddress,
  signal: AbortSignal,
): Promise<CheckResult[]> {
  const restored = await inspect(access, address, signal)
  const names = (databases: readonly { readonly name: string }[]) => databases.map(({ name }) => name)
  const expected = [...names(inventory.databases), ...inventory.unread.map(({ database }) => database)]
  const reasons = new Map(restored.unread.map(({ database, reason }) => [database, `: ${reason}`]))
  const missing = expected.filter((name) => !names(restored.databases).includes(name))
  const list = missing.map((name) => `${name}${reasons.get(name) ?? ''}`).join('; ')
  const results = [judge('databases', missing.length === 0, `${expected.length} are there`, `missing or closed: ${list}`)]
  for (const database of restored.databases) {
    results.push(schemaResult(database, inventory))
    results.push(await tablesResult(database, { ...access, database: database.name }, address, signal))
  }
  return [...results, collationResult(restored, inventory)]
}

function schemaResult(database: InventoryDatabase, inventory: Inventory): CheckResult {
  const name = `schema of ${database.name}`
  const original = inventory.databases.find((candidate) => candidate.name === database.name)
  if (original === undefined)
    return { name, stage, outcome: 'not-run', message: 'the inventory of the backup lacks this database' }
  if (original.fingerprint === database.fingerprint) {
    return { name, stage, outcome: 'passed', message: `${database.tables.length} tables and all definitions are as they were` }
  }
  if (original.during === 'changed') {
    return { name, stage, outcome: 'not-run', message: 'the schema was changed while the backup ran: nothing to compare with' }
  }
  const tables = (of: InventoryDatabase) => of.tables.map((table) => `${table.schema}.${table.name}`)
  const lost = tables(original).filter((table) => !tables(database).includes(table))
  const detail = lost.length === 0 ? 'definitions differ' : `tables are missing: ${lost.slice(0, 10).join(', ')}`
  return { name, stage, outcome: 'failed', message: detail }
}

/** Reads the first row of every table and materialized view. Foreign tables are somebody else's. */
async function tablesResult(
  database: InventoryDatabase,
  access: Access,
  address: ServerAddress,
  signal: AbortSignal,
): Promise<CheckResult> {
  const name = `tables of ${database.name}`
  try {
    const count = await withConnection(access, { address }, signal, async (connection) => {
      const tables = await connection.rows<{ name: string }>(
        `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where c.relkind in ('r', 'p', 'm') and c.relispopulated and c.relpersistence <> 't' and n.nspname <> 'information_schema'`,
      )
      for (const table of tables) await connection.rows(`select 1 from ${table.name} limit 1`)
      return tables.length
    })
    return { name, stage, outcome: 'passed', message: `${count} can be read, the catalogue's own included` }
  } catch (error) {
    signal.throwIfAborted()
    return { name, stage, outcome: 'failed', message: toHoldfastError(error).message }
  }
}

/** Text indexes sorted by another version of the operating system's rules may miss rows. */
function collationResult(restored: Inventory, inventory: Inventory): CheckResult {
  const name = 'collations'
  const known = new Map(restored.databases.map((database) => [database.name, database.actualCollationVersion]))
  const differing = inventory.databases.filter(
    ({ name: database, collationVersion }) =>
      collationVersion !== undefined && known.get(database) !== undefined && known.get(database) !== collationVersion,
  )
  if (differing.length === 0) return { name, stage, outcome: 'passed', message: 'sort as they did on the original' }
  const list = differing.map((database) => `${database.name} (${database.collationVersion}, here ${known.get(database.name)})`)
  const message = `text indexes cannot be trusted until they are rebuilt (REINDEX), as sort orders differ: ${list.join(', ')}`
  return { name, stage, outcome: 'not-run', message }
}

function checksumResult(message: string): CheckResult {
  return { name: 'page checksums', stage, outcome: 'not-run', message }
}

function judge(name: string, holds: unknown, good: string, bad: string): CheckResult {
  return holds === true ? { name, stage, outcome: 'passed', message: good } : { name, stage, outcome: 'failed', message: bad }
}
