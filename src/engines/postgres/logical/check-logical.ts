import { readFile } from 'node:fs/promises'
import { toHoldfastError } from '../../../domain/errors.js'
import type { EngineFacts } from '../../../domain/manifest.js'
import type { CheckResult } from '../../../domain/operations.js'
import type { CheckRequest } from '../../engine.js'
import { checkAfterStop } from '../check-after-stop.js'
import { checkContents, lostTables } from '../check-contents.js'
import { withConnection } from '../connection.js'
import { inspect } from '../inspect.js'
import { instanceAccess } from '../instance-access.js'
import { instanceFiles, readInstanceInventory } from '../instance-files.js'
import type { Inventory, InventoryDatabase } from '../inventory.js'
import { judge, notRun } from '../judge.js'
import { readState } from '../server-state.js'
import { majorOf } from '../server-version.js'
import { selectedInventory } from './wanted-objects.js'

/** Checks a server made from dumps. What only copies of files have is listed as not run. */
export function checkLogical(request: CheckRequest, signal: AbortSignal): Promise<CheckResult[]> {
  switch (request.stage) {
    case 'beforeStart':
      return checkFilled(request)
    case 'running':
      return checkRunningLogical(request, signal)
    case 'afterStop':
      return checkAfterStop(request, signal)
  }
}

async function checkFilled({ instance }: CheckRequest): Promise<CheckResult[]> {
  const stage = 'beforeStart'
  const refused = JSON.parse(await readFile(instanceFiles(instance).refused, 'utf8')) as readonly string[]
  const taken: CheckResult =
    refused.length === 0
      ? { name: 'statements', stage, outcome: 'passed', message: 'the new server took all of them' }
      : { name: 'statements', stage, outcome: 'not-run', message: `refused by the new server: ${shorten(refused)}` }
  const message = 'dumps hold no files: the server wrote them anew'
  return [
    taken,
    { name: 'files', stage, outcome: 'not-run', message },
    { name: 'WAL', stage, outcome: 'not-run', message: 'dumps need none' },
  ]
}

const shown = 10

function shorten(refused: readonly string[]): string {
  const more = refused.length > shown ? `; and ${refused.length - shown} more` : ''
  return `${refused.slice(0, shown).join('; ')}${more}`
}

async function checkRunningLogical(request: CheckRequest, signal: AbortSignal): Promise<CheckResult[]> {
  const whole = await readInstanceInventory(request.instance)
  const inventory = request.only === undefined ? whole : selectedInventory(whole, request.only)
  const { access, address } = instanceAccess(request.instance, inventory)
  const state = await withConnection(access, { address }, signal, readState).catch((error: unknown) => toHoldfastError(error))
  signal.throwIfAborted()
  if (state instanceof Error) {
    const rest = ['archiving', 'databases'].map((name) => notRun(name, 'the server cannot be asked'))
    return [{ name: 'connection', stage: 'running', outcome: 'failed', message: state.message }, ...rest]
  }
  const restored = withDatabasesOf(await inspect(access, address, signal, 'by name'), inventory)
  const compareSchema = (database: InventoryDatabase) => schemaResult(request, database, inventory, restored)
  return [
    judge('connection', true, `PostgreSQL ${state.version} answers`, ''),
    notRun('recovery', 'a server made from dumps has nothing to recover'),
    judge(
      'archiving',
      state.archive_mode === 'off',
      'is off',
      `archive_mode is ${state.archive_mode}: it would write into the original's archive`,
    ),
    ...(await checkContents({ inventory, restored, access, address, compareSchema }, signal)),
    notRun(
      'page checksums',
      request.manifest.facts.dataChecksums ? 'needs a stopped server' : 'the original has no data checksums',
    ),
  ]
}

/** Without the database `postgres` and the templates of the new server, where they are none of the backup's. */
function withDatabasesOf(restored: Inventory, inventory: Inventory): Inventory {
  const expected = new Set([...inventory.databases.map(({ name }) => name), ...inventory.unread.map(({ database }) => database)])
  return { ...restored, databases: restored.databases.filter(({ name }) => expected.has(name)) }
}

/** pg_dump promises the same definitions, not the same text of them: a difference is told, and only a missing table fails. */
function schemaResult(
  { manifest, only }: CheckRequest,
  database: InventoryDatabase,
  inventory: Inventory,
  restored: Inventory,
): CheckResult {
  const name = `schema of ${database.name}`
  const original = inventory.databases.find((candidate) => candidate.name === database.name)
  if (original === undefined) return notRun(name, 'the inventory of the backup lacks this database')
  const lost = original.during === 'changed' ? [] : lostTables(original, database)
  if (lost.length > 0) return judge(name, false, '', `tables are missing: ${lost.slice(0, 10).join(', ')}`)
  const count = `${original.tables.length} tables`
  if (only !== undefined) return notRun(name, `all ${count} that were asked for are there; the rest was not restored`)
  const other = otherMajor(manifest.facts, restored)
  if (other !== undefined) return notRun(name, `all ${count} are there; PostgreSQL ${other} prints definitions in its own way`)
  if (original.fingerprint === database.fingerprint) return judge(name, true, `${count} and all definitions are as they were`, '')
  if (original.during === 'changed') {
    return notRun(name, 'the schema was changed while the backup ran: nothing to compare with')
  }
  return notRun(name, `all ${count} are there; some definitions are printed otherwise than on the original`)
}

function otherMajor({ serverVersionNumber }: EngineFacts, { serverVersion }: Inventory): string | undefined {
  const major = serverVersion.split('.')[0]
  return major === majorOf(serverVersionNumber) ? undefined : major
}
