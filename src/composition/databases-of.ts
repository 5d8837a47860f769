import { HoldfastError } from '../domain/errors.js'
import type { SystemName } from '../domain/ids.js'
import type { DatabaseRestorer } from '../engines/database-restorer.js'
import type { Composition } from './compose.js'

/** Restores into databases of a system's server. @throws NOT_SUPPORTED where its engine knows none */
export async function databasesOf(composition: Composition, into: SystemName): Promise<DatabaseRestorer> {
  const { databases, name } = await composition.engine(into)
  if (databases !== undefined) return databases
  throw new HoldfastError('NOT_SUPPORTED', `nothing can be restored into a server of the engine ${name}`)
}
