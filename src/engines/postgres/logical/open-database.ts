import { HoldfastError, toHoldfastError } from '../../../domain/errors.js'
import type { NewDatabase, OpenedDatabase } from '../../database-restorer.js'
import { type Connection, withConnection } from '../connection.js'
import type { DatabaseDefinition } from '../database-definition.js'
import type { PostgresEngineOptions } from '../options.js'
import { readInventory } from '../prepared-artifacts.js'
import { quoteName, quoteText } from '../sql-names.js'
import { chooseOriginal } from './choose-original.js'
import { findDatabase, markOf } from './own-database.js'
import { findPrimary } from './shared-server.js'

/** Gives a database that is whole its settings, privileges, owner and comment, all at once and only where it is still ours. */
export async function openDatabase(
  options: PostgresEngineOptions,
  request: NewDatabase,
  identity: string,
  signal: AbortSignal,
): Promise<OpenedDatabase> {
  const { manifest, reader, name, owner, owners } = request
  const { definition } = chooseOriginal(manifest, await readInventory(manifest, reader), request.from)
  const { access, address } = await findPrimary(options, owner, signal)
  const notes = await withConnection(access, { address }, signal, async (connection) => {
    const found = await findDatabase(connection, name)
    if (found?.oid !== identity) throw gone(name)
    // An earlier try came as far as that, and its answer was lost.
    if (found.comment !== markOf(owner)) return []
    const refused = await applySettings(connection, name, definition)
    await connection.rows('begin')
    await connection.rows(commentStatement(name, definition))
    // The name could have gone to another meanwhile; from here on it cannot.
    if ((await findDatabase(connection, name))?.oid !== identity) throw gone(name)
    for (const statement of privilegeStatements(name, definition, owners)) await connection.rows(statement)
    await connection.rows('commit')
    return refused
  })
  return { connection: { host: address.host, port: address.port, user: access.user }, notes }
}

function gone(name: string): HoldfastError {
  return new HoldfastError('NOT_FOUND', `database ${name} is not there any more: somebody dropped it while it was restored`, {
    hint: 'start the restore again',
  })
}

/** A setting's value is kept in a form of its own, which only PostgreSQL takes apart: it is set here, and copied from here. */
async function applySettings(connection: Connection, name: string, { settings }: DatabaseDefinition): Promise<string[]> {
  const refused: string[] = []
  for (const entry of settings) {
    const [setting = '', value = ''] = splitAtFirst(entry)
    const path = setting.split('.').map(quoteName).join('.')
    await connection.rows('begin')
    try {
      await connection.rows('select set_config($1, $2, true)', [setting, value])
      await connection.rows(`alter database ${quoteName(name)} set ${path} from current`)
      await connection.rows('commit')
    } catch (error) {
      if (toHoldfastError(error).code === 'SOURCE_UNAVAILABLE') throw error
      await connection.rows('rollback')
      // Not with the server's own words: they repeat the value, which may be a secret.
      refused.push(`the server refused the original's setting of ${setting}`)
    }
  }
  return refused
}

function splitAtFirst(entry: string): readonly [string, string] {
  const at = entry.indexOf('=')
  return [entry.slice(0, at), entry.slice(at + 1)]
}

function commentStatement(name: string, { comment }: DatabaseDefinition): string {
  return `comment on database ${quoteName(name)} is ${comment === undefined ? 'null' : quoteText(comment)}`
}

/** Everybody's were taken away when it was made. The owner comes last: after that it may not be ours to grant. */
function privilegeStatements(name: string, { privileges, owner }: DatabaseDefinition, owners: NewDatabase['owners']): string[] {
  const database = quoteName(name)
  const usual = [
    { privilege: 'CONNECT', grantable: false },
    { privilege: 'TEMPORARY', grantable: false },
  ] as const
  const granted: NonNullable<DatabaseDefinition['privileges']> = privileges ?? [...usual]
  const grants = granted
    .filter(({ role }) => role === undefined || (owners === 'keep' && role !== owner))
    .map(({ role, privilege, grantable }) => {
      const grantee = role === undefined ? 'public' : quoteName(role)
      return `grant ${privilege} on database ${database} to ${grantee}${grantable ? ' with grant option' : ''}`
    })
  return owners === 'keep' ? [...grants, `alter database ${database} owner to ${quoteName(owner)}`] : grants
}
