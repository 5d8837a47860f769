import type { DatabasePreflight, NewDatabase } from '../../database-restorer.js'
import { withConnection } from '../connection.js'
import type { PostgresEngineOptions } from '../options.js'
import { readInventory } from '../prepared-artifacts.js'
import { refuseUnselectable } from './check-selection.js'
import { checkTarget } from './check-target.js'
import { chooseOriginal } from './choose-original.js'
import { findDatabase, nameTaken } from './own-database.js'
import { findServerFor } from './shared-server.js'

/** Everything that can be known of a restore into a new database before its dump is fetched. */
export async function preflightDatabase(
  options: PostgresEngineOptions,
  request: NewDatabase,
  signal: AbortSignal,
): Promise<DatabasePreflight> {
  const { manifest, reader, name, only } = request
  const original = chooseOriginal(manifest, await readInventory(manifest, reader), request.from)
  if (only !== undefined) refuseUnselectable({ databases: [original.database] }, only)
  const { access, address, version } = await findServerFor(manifest, options, request.owner, signal)
  await withConnection(access, { address }, signal, async (connection) => {
    const found = await findDatabase(connection, name)
    if (found !== undefined) throw nameTaken(name, found)
    await checkTarget(connection, original, request)
  })
  return { from: original.database.name, server: `PostgreSQL ${version} at ${address.label}` }
}
