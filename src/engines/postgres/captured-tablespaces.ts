import { HoldfastError } from '../../domain/errors.js'
import type { Artifact, Tablespace } from '../../domain/manifest.js'
import type { Inventory } from './inventory.js'

/**
 * The tablespaces a backup holds: those with an archive, one that was dropped while the backup ran included. Of one that was made
 * meanwhile only the WAL tells, with a directory of the original's machine in which a copy must not write.
 * @param after `before` itself where the server could not be looked at again
 * @throws HoldfastError CAPTURE_LOST for tablespaces that were made since the backup began
 */
export function capturedTablespaces(archives: readonly Artifact[], before: Inventory, after: Inventory): Tablespace[] {
  const known = new Map([...before.tablespaces, ...after.tablespaces].map((tablespace) => [tablespace.oid, tablespace]))
  const held = archives.flatMap(({ tablespace }) => tablespace ?? [])
  const made = after.tablespaces.filter(({ oid }) => !held.includes(oid)).map(({ oid }) => oid)
  const unknown = held.filter((oid) => !known.has(oid))
  if (made.length + unknown.length > 0) {
    const oids = [...made, ...unknown].join(', ')
    throw new HoldfastError(
      'CAPTURE_LOST',
      `a tablespace was made while the backup ran (OID ${oids}): the backup does not hold it`,
      {
        hint: 'the backup begins again by itself; make tablespaces while none runs',
      },
    )
  }
  return held.flatMap((oid) => known.get(oid) ?? [])
}
