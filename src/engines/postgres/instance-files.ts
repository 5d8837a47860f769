import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HoldfastError } from '../../domain/errors.js'
import type { Instance } from '../../domain/instance.js'
import { type Inventory, parseInventory } from './inventory.js'

/** What `prepare` leaves beside the data directory of an instance. */
export interface InstanceFiles {
  readonly directory: string
  /** Files of the data directory as they were in the backup, where we changed them. */
  readonly originals: string
  /** Configuration files from outside the original's data directory, below their old absolute paths. */
  readonly outside: string
  readonly hostAccess: string
  readonly userMaps: string
  readonly inventory: string
  /** What the new server refused of a logical backup, as a JSON list. */
  readonly refused: string
  /** PostgreSQL's own manifest: in the data directory, where pg_verifybackup looks for it. */
  readonly backupManifest: string
}

export function instanceFiles(instance: Instance): InstanceFiles {
  const directory = join(instance.directory, 'configuration')
  return {
    directory,
    originals: join(directory, 'original'),
    outside: join(directory, 'outside'),
    hostAccess: join(directory, 'pg_hba.conf'),
    userMaps: join(directory, 'pg_ident.conf'),
    inventory: join(directory, 'inventory.json'),
    refused: join(directory, 'refused.json'),
    backupManifest: join(instance.dataDirectory, 'backup_manifest'),
  }
}

/** @throws HoldfastError ARTIFACT_DAMAGED, NOT_FOUND for an instance that was not prepared */
export async function readInstanceInventory(instance: Instance): Promise<Inventory> {
  const path = instanceFiles(instance).inventory
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new HoldfastError('NOT_FOUND', `instance ${instance.name} has no inventory at ${path}`, { cause: error })
  })
  return parseInventory(text)
}
