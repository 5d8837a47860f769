import type { CheckResult } from '../../domain/operations.js'
import { physicalFacts } from '../../domain/physical-facts.js'
import type { CheckRequest } from '../engine.js'
import { checkContents, lostTables } from './check-contents.js'
import { withConnection } from './connection.js'
import { inspect } from './inspect.js'
import { instanceAccess } from './instance-access.js'
import { readInstanceInventory } from './instance-files.js'
import type { Inventory, InventoryDatabase } from './inventory.js'
import { judge } from './judge.js'
import { readState, refusalOf } from './server-state.js'

const stage = 'running'

/** Is the running server a recovered copy of the original, and cut off from it? */
export async function checkRunning({ instance, manifest, recovery }: CheckRequest, signal: AbortSignal): Promise<CheckResult[]> {
  const inventory = await readInstanceInventory(instance)
  const { access, address } = instanceAccess(instance, inventory)
  const state = await withConnection(access, { address }, signal, readState).catch(refusalOf)
  signal.throwIfAborted()
  if (state instanceof Error) {
    const rest = ['recovery', 'timeline', 'system', 'archiving', 'databases']
    return [
      { name: 'connection', stage, outcome: 'failed', message: state.message },
      ...rest.map((name): CheckResult => ({ name, stage, outcome: 'not-run', message: 'the server cannot be asked' })),
    ]
  }
  const facts = physicalFacts(manifest)
  const restored = await inspect(access, address, signal)
  const later = recovery === undefined ? {} : { isLater: true as const }
  const compareSchema = (database: InventoryDatabase) => schemaResult(database, inventory, later)
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
    ...(await checkContents({ inventory, restored, access, address, compareSchema, ...later }, signal)),
    collationResult(restored, inventory),
    checksumResult(facts.dataChecksums ? 'needs a stopped server' : 'the original has no data checksums'),
  ]
}

function schemaResult(database: InventoryDatabase, inventory: Inventory, { isLater }: { isLater?: true }): CheckResult {
  const name = `schema of ${database.name}`
  const original = inventory.databases.find((candidate) => candidate.name === database.name)
  if (original === undefined)
    return { name, stage, outcome: 'not-run', message: 'the inventory of the backup lacks this database' }
  if (original.fingerprint === database.fingerprint) {
    return { name, stage, outcome: 'passed', message: `${database.tables.length} tables and all definitions are as they were` }
  }
  if (isLater === true) {
    return {
      name,
      stage,
      outcome: 'not-run',
      message: 'definitions are others than at the time of the backup, as if changed since',
    }
  }
  if (original.during === 'changed') {
    return { name, stage, outcome: 'not-run', message: 'the schema was changed while the backup ran: nothing to compare with' }
  }
  const lost = lostTables(original, database)
  const detail = lost.length === 0 ? 'definitions differ' : `tables are missing: ${lost.slice(0, 10).join(', ')}`
  return { name, stage, outcome: 'failed', message: detail }
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
