import { HoldfastError } from '../../../domain/errors.js'
import type { Manifest } from '../../../domain/manifest.js'
import type { DatabaseOwner } from '../../database-restorer.js'
import { type ChosenServer, chooseServer } from '../choose-server.js'
import type { PostgresEngineOptions } from '../options.js'
import { majorOf } from '../server-version.js'
import { findRestoreTools } from '../tools.js'
import { runName } from './own-database.js'

/** The server a database is restored into, as one run sees it. */
export interface SharedServer extends ChosenServer {
  readonly access: PostgresEngineOptions
  /** Of pg_restore of the server's own version. */
  readonly binDirectory: string
}

/** The primary, with our sessions named after the run. @throws SOURCE_UNAVAILABLE, SOURCE_DENIED, SOURCE_UNSUITABLE (a standby) */
export async function findPrimary(
  options: PostgresEngineOptions,
  owner: DatabaseOwner,
  signal: AbortSignal,
): Promise<ChosenServer & Pick<SharedServer, 'access'>> {
  const access = { ...options, applicationName: runName(owner) }
  const server = await chooseServer(access, signal)
  if (server.role === 'primary') return { ...server, access }
  throw new HoldfastError(
    'SOURCE_UNSUITABLE',
    `PostgreSQL at ${server.address.label} is a standby: nothing can be restored into it`,
    {
      hint: 'name the primary in the hosts of the system that is restored into',
    },
  )
}

/** @throws besides those of `findPrimary` NOT_SUPPORTED for a server older than the dump, TOOL_MISSING */
export async function findServerFor(
  { facts }: Manifest,
  options: PostgresEngineOptions,
  owner: DatabaseOwner,
  signal: AbortSignal,
): Promise<SharedServer> {
  const server = await findPrimary(options, owner, signal)
  const original = majorOf(facts.serverVersionNumber)
  if (Number(server.major) < Number(original)) {
    const message = `a dump of PostgreSQL ${original} is not understood by ${server.major}, which runs at ${server.address.label}`
    throw new HoldfastError('NOT_SUPPORTED', message, { hint: `restore into a server of ${original} or later` })
  }
  const { directory } = await findRestoreTools(options.binDirectories, server.major, signal)
  return { ...server, binDirectory: directory }
}
