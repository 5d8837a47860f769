import { HoldfastError } from '../../../domain/errors.js'
import type { SelectionRequest } from '../../engine.js'
import type { Inventory } from '../inventory.js'
import { readInventory } from '../prepared-artifacts.js'
import { resolveSelection } from './selection.js'

/** Is all that is asked for in the backup? Reads its inventory alone. @throws NOT_FOUND naming what is near, NOT_SUPPORTED */
export async function checkSelection({ manifest, reader, only }: SelectionRequest): Promise<void> {
  if (only === undefined) return
  if (!('dumps' in manifest.facts)) {
    throw new HoldfastError('NOT_SUPPORTED', `backup ${manifest.backup} is of kind ${manifest.kind}: it is restored as a whole`, {
      hint: 'single schemas and tables come from logical backups (`--kind logical`)',
    })
  }
  refuseUnselectable(await readInventory(manifest, reader), only)
}

/** @throws NOT_FOUND naming what is near; NOT_SUPPORTED for a database that comes as a whole only */
export function refuseUnselectable(inventory: Pick<Inventory, 'databases'>, only: readonly string[]): void {
  const selections = resolveSelection(inventory, only)
  const extended = selections.find(({ database }) => database.extensions.some(({ name }) => name === 'timescaledb'))
  if (extended === undefined) return
  const message = `database ${extended.database.name} is restored as a whole: TimescaleDB keeps the rows of its tables elsewhere`
  throw new HoldfastError('NOT_SUPPORTED', message, { hint: 'restore without --only, and carry the rows over' })
}
