import { HoldfastError } from '../../../domain/errors.js'
import type { Artifact, Manifest } from '../../../domain/manifest.js'
import { nearest } from '../../../domain/nearest.js'
import type { DatabaseDefinition, NeededRole } from '../database-definition.js'
import type { Inventory, InventoryDatabase } from '../inventory.js'

/** A database of a logical backup, with what it takes to make one like it. */
export interface Original {
  readonly dump: Artifact
  readonly database: InventoryDatabase
  readonly definition: DatabaseDefinition
  readonly roles: readonly NeededRole[]
}

/**
 * @param name may be left out where the backup holds but one database
 * @throws HoldfastError USAGE, NOT_FOUND naming those there are; NOT_SUPPORTED where the backup does not say enough
 */
export function chooseOriginal(manifest: Manifest, inventory: Inventory, name: string | undefined): Original {
  if (!('dumps' in manifest.facts)) {
    throw new HoldfastError(
      'NOT_SUPPORTED',
      `backup ${manifest.backup} is of kind ${manifest.kind}: it holds no single databases`,
      {
        hint: 'use a logical backup (`--kind logical`), or restore into a new instance (`--name`)',
      },
    )
  }
  const found = chooseByName(manifest, inventory, name)
  const { database } = found
  if (database?.definition !== undefined && database.roles !== undefined) {
    return { dump: found.dump, database, definition: database.definition, roles: database.roles }
  }
  const message = `the inventory of ${manifest.backup} does not say how database ${found.name} was made: it could not be looked into then`
  throw new HoldfastError('NOT_SUPPORTED', message, { hint: 'restore into a new instance (`--name`)' })
}

interface Found {
  readonly dump: Artifact
  readonly name: string
  readonly database?: InventoryDatabase
}

function chooseByName(manifest: Manifest, inventory: Inventory, name: string | undefined): Found {
  const there = dumpsOf(manifest, inventory)
  const names = there.map((each) => each.name)
  if (name === undefined) {
    const [only, ...more] = there
    if (only !== undefined && more.length === 0) return only
    throw new HoldfastError('USAGE', `backup ${manifest.backup} holds several databases: ${names.join(', ')}`, {
      hint: 'say which one with --from-database',
    })
  }
  const found = there.find((each) => each.name === name)
  if (found !== undefined) return found
  const near = nearest(name, names)
  throw new HoldfastError('NOT_FOUND', `backup ${manifest.backup} holds no database ${name}`, {
    hint: `${near === undefined ? '' : `did you mean ${near}? `}it holds: ${names.join(', ')}`,
  })
}

function dumpsOf({ artifacts }: Manifest, { databases, unread }: Inventory): Found[] {
  return artifacts.flatMap((dump) => {
    if (dump.role !== 'dump') return []
    const database = databases.find(({ oid }) => oid === dump.database)
    if (database !== undefined) return [{ dump, name: database.name, database }]
    const name = unread.find(({ oid }) => oid === dump.database)?.database
    return name === undefined ? [] : [{ dump, name }]
  })
}
