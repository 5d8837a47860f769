import { setTimeout as delay } from 'node:timers/promises'
import { HoldfastError } from '../../../domain/errors.js'
import type { DatabaseOwner } from '../../database-restorer.js'
import { type Access, type Connection, withConnection } from '../connection.js'
import type { ServerAddress } from '../server-address.js'
import { quoteName, quoteText } from '../sql-names.js'

/*
 * A database we make on a server that is not ours alone. It is made under a name nobody else uses, which holds the run's id; then
 * its comment says whose it is, and then it is given its name: that is what fails where the name is taken. So at every moment
 * either its name or its comment tells that it is ours, and nothing else is ever dropped.
 */

export interface OwnDatabase {
  /** Its sessions are called by `runName`, so that those of a program that was killed can be told from others. */
  readonly access: Access
  readonly address: ServerAddress
  readonly name: string
  readonly owner: DatabaseOwner
}

/** Under which our sessions and, for a moment, the database are known. */
export function runName({ runId }: DatabaseOwner): string {
  return `holdfast restore ${runId}`
}

const markBeginning = 'incomplete: being restored by Holdfast, '

/** The comment of a database that is being restored. */
export function markOf({ workflowId, runId }: DatabaseOwner): string {
  return `${markBeginning}${workflowId} (run ${runId})`
}

/** @param how the rest of CREATE DATABASE. @returns its OID. @throws ALREADY_EXISTS, SOURCE_UNSUITABLE */
export async function makeOwnDatabase(own: OwnDatabase, how: string, signal: AbortSignal): Promise<string> {
  await dropOwnDatabase(own, signal)
  const temporary = quoteName(runName(own.owner))
  return withConnection(own.access, { address: own.address }, signal, async (connection) => {
    await connection.rows(`create database ${temporary} ${how}`)
    await connection.rows(`comment on database ${temporary} is ${quoteText(markOf(own.owner))}`)
    // Until it is whole, nobody comes in but superusers and we.
    await connection.rows(`revoke all on database ${temporary} from public`)
    await connection.rows(`alter database ${temporary} rename to ${quoteName(own.name)}`).catch(asTaken(own.name))
    const found = await findDatabase(connection, own.name)
    if (found?.comment === markOf(own.owner)) return found.oid
    throw new HoldfastError('INTERNAL', `database ${own.name} is not there after it was made`)
  })
}

/** Ends what our run still does on the server, and drops what it made. Nothing there, or somebody else's, is success. */
export async function dropOwnDatabase(own: OwnDatabase, signal: AbortSignal): Promise<void> {
  const { owner, name } = own
  const temporary = runName(owner)
  await withConnection(own.access, { address: own.address }, signal, async (connection) => {
    await endOtherSessions(connection, own, signal)
    const named = await findDatabase(connection, name)
    if (named?.comment === markOf(owner)) await takeNameBack(connection, own)
    if ((await findDatabase(connection, temporary)) === undefined) return
    await connection.rows(`drop database ${quoteName(temporary)} with (force)`).catch(asBusy(name))
  })
}

export interface FoundDatabase {
  readonly oid: string
  readonly comment: string | null
}

export async function findDatabase(connection: Connection, name: string): Promise<FoundDatabase | undefined> {
  const [found] = await connection.rows<{ oid: string; comment: string | null }>(
    `select oid::text as oid, shobj_description(oid, 'pg_database') as comment from pg_database where datname = $1`,
    [name],
  )
  return found
}

export function nameTaken(name: string, found?: FoundDatabase): HoldfastError {
  const left = found?.comment?.startsWith(markBeginning) === true
  const message = left
    ? `database ${name} exists (${found.comment})`
    : `database ${name} exists; restores touch no database that is there`
  const hint = left ? 'where that run is over, drop the database; or choose another --database' : 'choose another --database'
  return new HoldfastError('ALREADY_EXISTS', message, { hint })
}

/**
 * What is dropped next must be what was looked at, and DROP DATABASE goes by the name: so the name that others know is taken from
 * it first, in a transaction that holds only where it was ours.
 */
async function takeNameBack(connection: Connection, { name, owner }: OwnDatabase): Promise<void> {
  const temporary = runName(owner)
  await connection.rows('begin')
  await connection.rows(`alter database ${quoteName(name)} rename to ${quoteName(temporary)}`).catch(asBusy(name))
  const taken = await findDatabase(connection, temporary)
  const isOurs = taken?.comment === markOf(owner)
  await connection.rows(isOurs ? 'commit' : 'rollback')
}

const endPatienceMs = 30_000

/** A program that was killed may have left its session, and a session a CREATE DATABASE that ends some time later. */
async function endOtherSessions(connection: Connection, { name, owner }: OwnDatabase, signal: AbortSignal): Promise<void> {
  const giveUpAt = Date.now() + endPatienceMs
  for (;;) {
    const others = await connection.rows(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where pid <> pg_backend_pid() and usename = current_user and application_name = $1`,
      [runName(owner)],
    )
    if (others.length === 0) return
    if (Date.now() > giveUpAt) throw busy(name, 'a session of its restore does not end')
    await delay(50, undefined, { signal })
  }
}

function asTaken(name: string): (error: unknown) => never {
  return (error) => {
    throw stateOf(error) === '42P04' ? nameTaken(name) : error
  }
}

function asBusy(name: string): (error: unknown) => never {
  return (error) => {
    throw error instanceof HoldfastError && stateOf(error) === '55006' ? busy(name, error.message) : error
  }
}

function busy(name: string, why: string): HoldfastError {
  return new HoldfastError('SYSTEM_BUSY', `database ${name} cannot be dropped yet: ${why}`, {
    hint: 'somebody else is in it, although it is incomplete: end that session',
  })
}

function stateOf(error: unknown): unknown {
  return error instanceof HoldfastError ? error.details.sqlstate : undefined
}
