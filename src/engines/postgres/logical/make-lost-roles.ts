import { withConnection } from '../connection.js'
import { quoteName } from '../sql-names.js'
import type { RestoreTarget } from './restore-target.js'

/**
 * Roles that databases need and globals do not have: they were dropped between a dump that names them and the end of the backup.
 * They are made again so that the dump can be restored, and nobody can log in as one of them.
 */
export async function makeLostRoles({ access, address, inventory }: RestoreTarget, signal: AbortSignal): Promise<void> {
  const needed = new Set(inventory.databases.flatMap(({ roles = [] }) => roles.map(({ name }) => name)))
  await withConnection({ ...access, database: 'postgres' }, { address }, signal, async ({ rows }) => {
    const there = (await rows<{ name: string }>('select rolname as name from pg_roles')).map(({ name }) => name)
    for (const name of needed) if (!there.includes(name)) await rows(`create role ${quoteName(name)} nologin`)
  })
}
