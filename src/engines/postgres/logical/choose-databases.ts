import { HoldfastError } from '../../../domain/errors.js'
import type { Inventory } from '../inventory.js'

export interface ChosenDatabase {
  readonly oid: string
  readonly name: string
}

/**
 * The databases to dump, by OID, which the plain manifest names them by.
 * @param wanted names; all but the templates where left out
 * @throws HoldfastError SOURCE_UNSUITABLE for a name that is not there
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
  if (chosen.length > 0) return chosen
  throw new HoldfastError('SOURCE_UNSUITABLE', 'the server has no database that could be dumped')
}

const templates = ['template0', 'template1']
