import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HoldfastError } from '../../../domain/errors.js'
import { withConnection } from '../connection.js'
import { writeOwned } from '../owned-files.js'
import type { Archive } from './archive.js'
import { selectEntries, splitAtExtensions } from './archive-list.js'
import { createErrorReader } from './restore-errors.js'
import { instanceFailure } from './restore-failure.js'
import { type RestoreTarget, targetCommand } from './restore-target.js'
import type { DatabaseSelection } from './selection.js'

export interface DumpRestore {
  readonly target: RestoreTarget
  readonly archive: Archive
  /** As the original calls it. */
  readonly database: string
  readonly into: Destination
  /** Absent: everything. */
  readonly selection?: DatabaseSelection
}

/** The database that a dump becomes. */
export interface Destination {
  readonly name: string
  /** Sees to it that it is empty, whatever an earlier try left of it; called each time before it is filled from the start. */
  begin(): Promise<void>
  /** Where pg_restore logs in to begin, and what it is told besides. */
  readonly beginning: { readonly login: string; readonly options: readonly string[] }
  /** What pg_restore is told whenever it is run. */
  readonly options: readonly string[]
  /** What pg_restore's failure means. @param database as the original calls it */
  readonly explain: (database: string, lastLines: string, cause: unknown) => HoldfastError
}

/** pg_restore makes it under the original's name: with `--create`, `--clean` drops the database alone, also initdb's own. */
export function sameDatabase(name: string): Destination {
  const beginning = { login: 'template1', options: ['--create', '--clean', '--if-exists'] }
  return { name, begin: async () => undefined, beginning, options: [], explain: instanceFailure }
}

/**
 * Makes a database from its dump, and removes what was unpacked of it: everything in it, which must all succeed, or what was selected, where what cannot be made
 * without the rest is passed over.
 * @returns errors passed over
 * @throws HoldfastError RECOVERY_FAILED naming the database, with pg_restore's last words; what the reader throws
 */
export async function restoreDump(restore: DumpRestore, signal: AbortSignal): Promise<string[]> {
  try {
    return await restoreFrom(restore, signal)
  } finally {
    await restore.archive.remove()
  }
}

async function restoreFrom(restore: DumpRestore, signal: AbortSignal): Promise<string[]> {
  const { into, selection } = restore
  if (selection !== undefined) {
    const list = selectEntries(await listEntries(restore), selection)
    return fill(restore, [await useList(restore, 'selected', list)])
  }
  if (!hasTimescale(restore)) return fill(restore, strict)
  // https://docs.timescale.com/self-hosted/latest/migration/entire-database: told before the data comes, and after.
  const { before, after } = splitAtExtensions(await listEntries(restore))
  const prepare = async () => {
    await fill(restore, [...strict, await useList(restore, 'before', before)])
    await call(restore, 'timescaledb_pre_restore', signal)
  }
  const rest = [...strict, await useList(restore, 'after', after)]
  await prepare()
  await runRestore(restore, { login: into.name, options: rest, begin: afterTheFirst(prepare) })
  await call(restore, 'timescaledb_post_restore', signal)
  return []
}

const strict = ['--exit-on-error']

/** For what was made before reading began, and is made anew only where the reader begins anew. */
export function afterTheFirst(make: () => Promise<void>): () => Promise<void> {
  let times = 0
  return async () => {
    times += 1
    if (times > 1) await make()
  }
}

function fill(restore: DumpRestore, options: readonly string[]): Promise<string[]> {
  const { begin, beginning } = restore.into
  return runRestore(restore, { login: beginning.login, options: [...beginning.options, ...options], begin })
}

interface Run {
  readonly login: string
  readonly options: readonly string[]
  /** Called each time before pg_restore is started: the reader may begin anew. */
  readonly begin: () => Promise<void>
}

async function runRestore(restore: DumpRestore, { login, options, begin }: Run): Promise<string[]> {
  const { target, archive, database, into } = restore
  let reader = createErrorReader()
  let outcome: 'unknown' | 'passed over' = 'unknown'
  const run = {
    async again() {
      reader = createErrorReader()
      await begin()
    },
    onStderrLine: (line: string) => {
      reader.read(line)
      if (line.includes('errors ignored on restore')) outcome = 'passed over'
    },
    explain: (lastLines: string, cause: unknown) => into.explain(database, lastLines, cause),
  }
  const command = targetCommand(target, 'pg_restore', login, ['--no-tablespaces', ...into.options, ...options])
  await archive.run(command, run).catch((error: unknown) => {
    // Its exit status is 1 all the same.
    if (outcome !== 'passed over') throw error
  })
  const { errors } = reader
  const grave = errors.find(({ error }) => !isOfMissingRest(error))
  if (grave !== undefined) throw into.explain(database, `${database}: ${grave.error}`, undefined)
  return errors.map(({ error, command: sql }) => `${database}: ${sql === undefined ? error : `${sql} (${error})`}`)
}

/** A part may refer to what was not asked for. Anything else, above all rows that could not be copied, is a failure. */
function isOfMissingRest(error: string): boolean {
  return !error.includes('COPY failed') && error.endsWith('does not exist')
}

async function listEntries({ target, archive, database, into }: DumpRestore): Promise<string> {
  const path = listFile(target, 'all')
  const command = {
    program: join(target.binDirectory, 'pg_restore'),
    args: ['--list', '--create', `--file=${path}`],
    cwd: '/',
    runAs: target.owner,
  }
  const explain = (lastLines: string, cause: unknown) => into.explain(database, lastLines, cause)
  await archive.run(command, { again: async () => undefined, onStderrLine: () => undefined, explain })
  return readFile(path, 'utf8')
}

async function useList({ target }: DumpRestore, name: string, list: string): Promise<string> {
  const path = listFile(target, name)
  await writeOwned(path, list, target.owner)
  return `--use-list=${path}`
}

function listFile({ listDirectory }: RestoreTarget, name: string): string {
  return join(listDirectory, `${name}.list`)
}

function hasTimescale({ target, database }: DumpRestore): boolean {
  const known = target.inventory.databases.find(({ name }) => name === database)
  return known?.extensions.some(({ name }) => name === 'timescaledb') ?? false
}

async function call({ target, into }: DumpRestore, name: string, signal: AbortSignal): Promise<void> {
  const { access, address } = target
  await withConnection({ ...access, database: into.name }, { address }, signal, ({ rows }) => rows(`select ${name}()`))
}
