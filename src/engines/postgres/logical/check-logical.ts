import { readFile } from 'node:fs/promises'
import type { CheckResult } from '../../../domain/operations.js'
import type { CheckRequest } from '../../engine.js'
import { checkAfterStop } from '../check-after-stop.js'
import { checkContents } from '../check-contents.js'
import { withConnection } from '../connection.js'
import { inspect } from '../inspect.js'
import { instanceAccess } from '../instance-access.js'
import { instanceFiles, readInstanceInventory } from '../instance-files.js'
import type { Inventory, InventoryDatabase } from '../inventory.js'
import { judge, notRun } from '../judge.js'
import { readState, refusalOf } from '../server-state.js'
import { compareDefinitions, statementsResult } from './compare-definitions.js'
import { selectedDatabases } from './wanted-objects.js'

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
  const message = 'dumps hold no files: the server wrote them anew'
  return [
    statementsResult(refused, stage),
    { name: 'files', stage, outcome: 'not-run', message },
    { name: 'WAL', stage, outcome: 'not-run', message: 'dumps need none' },
  ]
}

async function checkRunningLogical(request: CheckRequest, signal: AbortSignal): Promise<CheckResult[]> {
  const whole = await readInstanceInventory(request.instance)
  const inventory =
    request.only === undefined ? whole : { ...whole, databases: selectedDatabases(whole, request.only), unread: [] }
  const { access, address } = instanceAccess(request.instance, inventory)
  const state = await withConnection(access, { address }, signal, readState).catch(refusalOf)
  signal.throwIfAborted()
  if (state instanceof Error) {
    const rest = ['archiving', 'databases'].map((name) => notRun(name, 'the server cannot be asked'))
    return [{ name: 'connection', stage: 'running', outcome: 'failed', message: state.message }, ...rest]
  }
  const restored = withDatabasesOf(await inspect(access, address, signal, 'by name'), inventory)
  const compareSchema = (database: InventoryDatabase) => {
    const original = inventory.databases.find(({ name }) => name === database.name)
    if (original === undefined) return notRun(`schema of ${database.name}`, 'the inventory of the backup lacks this database')
    return compareDefinitions(request, original, database, restored.serverVersion)
  }
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
