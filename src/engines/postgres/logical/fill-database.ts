import { HoldfastError } from '../../../domain/errors.js'
import type { CheckResult } from '../../../domain/operations.js'
import { currentUser } from '../../../process/users.js'
import type { DatabaseToFill, FilledDatabase } from '../../database-restorer.js'
import { ownTablesResult } from '../check-contents.js'
import { inspectAlone } from '../inspect-database.js'
import type { PostgresEngineOptions } from '../options.js'
import { createAmount, readInventory } from '../prepared-artifacts.js'
import { openArchive } from './archive.js'
import { chooseOriginal, type Original } from './choose-original.js'
import { compareDefinitions, statementsResult } from './compare-definitions.js'
import { likeOriginal } from './new-database-sql.js'
import { makeOwnDatabase, type OwnDatabase } from './own-database.js'
import { afterTheFirst, type Destination, restoreDump } from './restore-dump.js'
import { sharedServerFailure } from './restore-failure.js'
import type { RestoreTarget } from './restore-target.js'
import { type DatabaseSelection, resolveSelection } from './selection.js'
import { findServerFor, type SharedServer } from './shared-server.js'
import { selectedDatabases } from './wanted-objects.js'

/**
 * Makes a database like the original, fills it from its dump and looks at what came of it. Until then nobody else comes in.
 * @throws HoldfastError ALREADY_EXISTS, SOURCE_UNSUITABLE (a locale), RECOVERY_FAILED, SPACE_SHORT, SOURCE_DENIED, SOURCE_UNAVAILABLE
 */
export async function fillDatabase(
  options: PostgresEngineOptions,
  request: DatabaseToFill,
  signal: AbortSignal,
): Promise<FilledDatabase> {
  const { manifest, reader, name, owner, scratchDirectory: scratch } = request
  const inventory = await readInventory(manifest, reader)
  const original = chooseOriginal(manifest, inventory, request.from)
  const server = await findServerFor(manifest, options, owner, signal)
  const { access, address, binDirectory } = server
  const own: OwnDatabase = { access, address, name, owner }
  let identity = ''
  const make = async () => {
    identity = await makeOwnDatabase(own, likeOriginal(original, server.versionNumber), signal).catch(explainLocale(original))
  }
  // Before the dump is opened: what the server refuses is refused before anything is fetched.
  await make()
  const target: RestoreTarget = {
    ...{ inventory, binDirectory, access, address },
    ...{ owner: currentUser(), listDirectory: scratch, dumpDirectory: `${scratch}/dump` },
  }
  const source = { artifact: original.dump, reader, begin: () => createCounter(request) }
  const archive = await openArchive(source, manifest, target, options.logical?.jobs ?? 1, signal)
  const into = destination(request, afterTheFirst(make))
  const selection = selectionOf(request, original)
  const refused = await restoreDump({ target, archive, database: original.database.name, into, ...selection }, signal)
  return { identity, checks: [statementsResult(refused, 'running'), ...(await checkDatabase(request, original, server, signal))] }
}

function destination({ name, owners }: DatabaseToFill, begin: () => Promise<void>): Destination {
  const options = owners === 'keep' ? [] : ['--no-owner', '--no-privileges']
  return { name, begin, beginning: { login: name, options: [] }, options, explain: sharedServerFailure }
}

function selectionOf({ only }: DatabaseToFill, { database }: Original): { readonly selection?: DatabaseSelection } {
  if (only === undefined) return {}
  const [selection] = resolveSelection({ databases: [database] }, only)
  return selection === undefined ? {} : { selection }
}

/** Of several databases nobody knows how much is in this one. */
function createCounter({ manifest, name, progress }: DatabaseToFill): (addedBytes: number) => void {
  const isAlone = manifest.artifacts.filter(({ role }) => role === 'dump').length === 1
  return createAmount({ step: 'restore', progress, ...(isAlone ? { totalBytes: manifest.facts.dataBytes } : {}) }).begin(name)
}

async function checkDatabase(
  { manifest, only, name }: DatabaseToFill,
  { database }: Original,
  { access, address, version }: SharedServer,
  signal: AbortSignal,
): Promise<CheckResult[]> {
  const inside = { ...access, database: name }
  const restored = await inspectAlone(inside, address, signal, 'by name')
  const [expected = database] = only === undefined ? [] : selectedDatabases({ databases: [database] }, only)
  return [
    compareDefinitions({ manifest, ...(only === undefined ? {} : { only }) }, expected, restored, version),
    await ownTablesResult(restored, inside, address, signal),
  ]
}

/** CREATE DATABASE says best what of encoding and sort order a server does not have. */
function explainLocale({ database, definition }: Original): (error: unknown) => never {
  return (error) => {
    const refused = error instanceof HoldfastError && error.code === 'SOURCE_UNSUITABLE'
    if (!refused) throw error
    const { encoding, provider, ctype, locale } = definition
    const asked = [encoding, provider, database.collation, ctype, ...(locale === undefined ? [] : [locale])].join(', ')
    throw new HoldfastError('SOURCE_UNSUITABLE', `no database like ${database.name} (${asked}) can be made: ${error.message}`, {
      cause: error,
      hint: 'where it is a locale that is missing, generate it on the host of that server (locale-gen) and restart the server',
    })
  }
}
