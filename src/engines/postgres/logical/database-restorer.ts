import type { DatabaseRestorer } from '../../database-restorer.js'
import type { PostgresEngineOptions } from '../options.js'
import { fillDatabase } from './fill-database.js'
import { openDatabase } from './open-database.js'
import { dropOwnDatabase } from './own-database.js'
import { preflightDatabase } from './preflight-database.js'
import { findPrimary } from './shared-server.js'

/** Restores databases of logical backups into new databases of the configured server. */
export function createDatabaseRestorer(options: PostgresEngineOptions): DatabaseRestorer {
  return {
    preflight: (request, signal) => preflightDatabase(options, request, signal),
    fill: (request, signal) => fillDatabase(options, request, signal),
    open: (request, identity, signal) => openDatabase(options, request, identity, signal),
    async abandon({ name, owner }, signal) {
      const { access, address } = await findPrimary(options, owner, signal)
      await dropOwnDatabase({ access, address, name, owner }, signal)
    },
  }
}
