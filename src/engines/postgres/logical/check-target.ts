import { HoldfastError } from '../../../domain/errors.js'
import type { NewDatabase } from '../../database-restorer.js'
import { type Connection, oneRow } from '../connection.js'
import { quoteName } from '../sql-names.js'
import type { Original } from './choose-original.js'

interface Role {
  readonly name: string
  readonly superuser: boolean
  readonly creates: boolean
  readonly version: number
}

/**
 * Has the server what the database needs, and may our role make it? Roles are never made here: on a server that is not ours alone
 * they are somebody else's to decide on.
 * @throws HoldfastError SOURCE_DENIED, SOURCE_UNSUITABLE naming everything that is missing
 */
export async function checkTarget(connection: Connection, original: Original, { owners }: NewDatabase): Promise<void> {
  const role = await oneRow<Role>(
    connection,
    `select rolname as name, rolsuper as superuser, rolcreatedb as creates,
            current_setting('server_version_num')::int as version from pg_roles where rolname = current_user`,
  )
  if (!role.superuser && !role.creates) {
    throw new HoldfastError('SOURCE_DENIED', `role ${role.name} may not make databases at ${connection.address.label}`, {
      hint: `alter role ${quoteName(role.name)} createdb`,
    })
  }
  await checkRoles(connection, role, original, owners)
  await checkExtensions(connection, role, original)
}

interface SeenRole {
  readonly name: string
  readonly present: boolean
  readonly usable: boolean
}

async function checkRoles(connection: Connection, role: Role, original: Original, owners: NewDatabase['owners']): Promise<void> {
  // pg_restore leaves out owners and privileges where it is told to; policies and user mappings it cannot.
  const needed = original.roles.filter((each) => owners === 'keep' || each.as.includes('named'))
  const seen = await connection.rows<SeenRole>(
    `select wanted as name, r.oid is not null as present, coalesce(pg_has_role(r.oid, $2), false) as usable
       from unnest($1::text[]) wanted left join pg_roles r on r.rolname = wanted order by wanted collate "C"`,
    [needed.map(({ name }) => name), role.version >= 160_000 ? 'SET' : 'MEMBER'],
  )
  const missing = seen.filter(({ present }) => !present)
  if (missing.length > 0) {
    const message = `the server at ${connection.address.label} lacks roles that database ${original.database.name} needs: ${listOf(missing)}`
    const create = 'create them there (`CREATE ROLE … NOLOGIN` is enough)'
    const hint =
      owners === 'keep' ? `${create}, or use --no-owner: all of it then belongs to ${role.name}, without privileges` : create
    throw new HoldfastError('SOURCE_UNSUITABLE', message, { hint })
  }
  if (owners === 'drop') return
  const owning = original.roles.filter((each) => each.as.includes('owner')).map(({ name }) => name)
  const foreign = seen.filter(({ name, usable }) => owning.includes(name) && !usable)
  if (foreign.length === 0) return
  throw new HoldfastError('SOURCE_DENIED', `role ${role.name} may not make anything belong to: ${listOf(foreign)}`, {
    hint: `grant ${foreign.map(({ name }) => quoteName(name)).join(', ')} to ${quoteName(role.name)}, or use --no-owner`,
  })
}

interface SeenExtension {
  readonly name: string
  readonly available: boolean
  readonly restricted: boolean
}

async function checkExtensions(connection: Connection, role: Role, { database }: Original): Promise<void> {
  const seen = await connection.rows<SeenExtension>(
    `select wanted as name, e.name is not null as available, coalesce(v.superuser and not v.trusted, false) as restricted
       from unnest($1::text[]) wanted left join pg_available_extensions e on e.name = wanted
         left join pg_available_extension_versions v on v.name = e.name and v.version = e.default_version
      order by wanted collate "C"`,
    [database.extensions.map(({ name }) => name)],
  )
  const missing = seen.filter(({ available }) => !available)
  if (missing.length > 0) {
    const message = `the server at ${connection.address.label} lacks extensions that database ${database.name} needs: ${listOf(missing)}`
    throw new HoldfastError('SOURCE_UNSUITABLE', message, {
      hint: "install them on that server's host, for its version of PostgreSQL",
    })
  }
  const restricted = seen.filter((each) => each.restricted)
  if (role.superuser || restricted.length === 0) return
  const message = `role ${role.name} may not make the extensions database ${database.name} needs: ${listOf(restricted)}`
  throw new HoldfastError('SOURCE_DENIED', message, { hint: 'only a superuser may: restore as one' })
}

function listOf(things: readonly { readonly name: string }[]): string {
  return things.map(({ name }) => name).join(', ')
}
