import { HoldfastError } from '../../../domain/errors.js'
import { maximumDumps } from '../../../domain/manifest-limits.js'
import type { Inventory } from '../inventory.js'

export interface ChosenDatabase {
  readonly oid: string
  readonly name: string
}

/**
 * The databases to dump, by OID, which the plain manifest names them by.
 * @param wanted names; all but the templates where left out
 * @throws HoldfastError SOURCE_UNSUITABLE for a name that is not there, and for more than the manifest of one backup has room for
 */
export function chooseDatabases(inventory: Inventory, wanted: readonly string[] | undefined): ChosenDatabase[] {
  const there = [...inventory.databases, ...inventory.unread.map(({ oid, database }) => ({ oid, name: database }))]
    .flatMap(({ oid, name }) => (oid === undefined || templates.includes(name) ? [] : [{ oid, name }]))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const missing = wanted?.filter((name) => !there.some((database) => database.name === name)) ?? []
  if (missing.length > 0) {
    throw new HoldfastError('SOURCE_UNSUITABLE', `the server has no database to dump called ${missing.join(', ')}`, {
      hint: `correct kinds.logical.databases; there is: ${there.map(({ name }) => name).join(', ')}`,
    })
  }
  const chosen = there.filter(({ name }) => wanted?.includes(name) ?? true)
  if (chosen.length === 0) throw new HoldfastError('SOURCE_UNSUITABLE', 'the server has no database that could be dumped')
  if (chosen.length <= maximumDumps) return chosen
  const message = `${chosen.length} databases are to be dumped, and one backup holds at most ${maximumDumps}`
  throw new HoldfastError('SOURCE_UNSUITABLE', message, {
    hint: 'name some of them in kinds.logical.databases, and the others in a second system for the same server; or take full backups',
  })
}

const templates = ['template0', 'template1']
