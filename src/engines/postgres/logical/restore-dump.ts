import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HoldfastError } from '../../../domain/errors.js'
import { withConnection } from '../connection.js'
import { instanceAccess } from '../instance-access.js'
import { instanceFiles } from '../instance-files.js'
import { writeOwned } from '../owned-files.js'
import type { Archive } from './archive.js'
import { selectEntries, splitAtExtensions } from './archive-list.js'
import { type RestoreTarget, targetCommand } from './restore-target.js'
import type { DatabaseSelection } from './selection.js'

export interface DumpRestore {
  readonly target: RestoreTarget
  readonly archive: Archive
  readonly database: string
  /** Absent: everything. */
  readonly selection?: DatabaseSelection
}

/**
 * Makes a database from its dump: everything in it, which must all succeed, or what was selected, where what cannot be made
 * without the rest is passed over.
 * @returns errors passed over
 * @throws HoldfastError RECOVERY_FAILED naming the database, with pg_restore's last words; what the reader throws
 */
export async function restoreDump(restore: DumpRestore, signal: AbortSignal): Promise<string[]> {
  if (restore.selection !== undefined) {
    const list = selectEntries(await listEntries(restore), restore.selection)
    return runRestore(restore, [...newDatabase, await useList(restore, 'selected', list)])
  }
  if (!hasTimescale(restore)) return runRestore(restore, [...newDatabase, ...strict])
  // https://docs.timescale.com/self-hosted/latest/migration/entire-database: told before the data comes, and after.
  const { before, after } = splitAtExtensions(await listEntries(restore))
  await runRestore(restore, [...newDatabase, ...strict, await useList(restore, 'before', before)])
  await call(restore, 'timescaledb_pre_restore', signal)
  await runRestore(restore, [...existingDatabase, ...strict, await useList(restore, 'after', after)], restore.database)
  await call(restore, 'timescaledb_post_restore', signal)
  return []
}

const existingDatabase = ['--no-tablespaces']
/** With `--create`, `--clean` drops the database alone: one that was begun, or that initdb made, is replaced. */
const newDatabase = ['--create', '--clean', '--if-exists', ...existingDatabase]
const strict = ['--exit-on-error']

async function runRestore(restore: DumpRestore, options: readonly string[], into = 'template1'): Promise<string[]> {
  const { target, archive, database } = restore
  let errors: string[] = []
  let outcome: 'unknown' | 'passed over' = 'unknown'
  const run = {
    again: () => {
      errors = []
    },
    onStderrLine: (line: string) => {
      const error = /^pg_restore: error: (?:could not execute query: )?(.*)/.exec(line)?.[1]
      if (error !== undefined) errors.push(`${database}: ${error}`)
      if (line.includes('errors ignored on restore')) outcome = 'passed over'
    },
    explain: (lastLines: string, cause: unknown) => restoreFailure(database, lastLines, cause),
  }
  await archive.run(targetCommand(target, 'pg_restore', into, options), run).catch((error: unknown) => {
    // Its exit status is 1 all the same.
    if (outcome !== 'passed over') throw error
  })
  const grave = errors.find((error) => !isOfMissingRest(error))
  if (grave !== undefined) throw restoreFailure(database, grave, undefined)
  return errors
}

/** A part may refer to what was not asked for. Anything else, above all rows that could not be copied, is a failure. */
function isOfMissingRest(error: string): boolean {
  return !error.includes('COPY failed') && error.endsWith('does not exist')
}

async function listEntries({ target, archive, database }: DumpRestore): Promise<string> {
  const path = listFile(target, 'all')
  const { instance, owner } = target
  const command = {
    program: join(instance.binDirectory, 'pg_restore'),
    args: ['--list', '--create', `--file=${path}`],
    cwd: '/',
    runAs: owner,
  }
  const explain = (lastLines: string, cause: unknown) => restoreFailure(database, lastLines, cause)
  await archive.run(command, { again: () => undefined, onStderrLine: () => undefined, explain })
  return readFile(path, 'utf8')
}

async function useList({ target }: DumpRestore, name: string, list: string): Promise<string> {
  const path = listFile(target, name)
  await writeOwned(path, list, target.owner)
  return `--use-list=${path}`
}

function listFile({ instance }: RestoreTarget, name: string): string {
  return join(instanceFiles(instance).directory, `${name}.list`)
}

function hasTimescale({ target, database }: DumpRestore): boolean {
  const known = target.inventory.databases.find(({ name }) => name === database)
  return known?.extensions.some(({ name }) => name === 'timescaledb') ?? false
}

async function call({ target, database }: DumpRestore, name: string, signal: AbortSignal): Promise<void> {
  const { access, address } = instanceAccess(target.instance, target.inventory)
  await withConnection({ ...access, database }, { address }, signal, ({ rows }) => rows(`select ${name}()`))
}

function restoreFailure(database: string, lastLines: string, cause: unknown): HoldfastError {
  const said = lastLines.trim() || (cause instanceof Error ? cause.message : 'it said nothing')
  if (/No space left on device|Disk quota exceeded/.test(said)) {
    return new HoldfastError('SPACE_SHORT', `database ${database} could not be restored: ${said}`, { cause })
  }
  const extension = /extension "(.+?)" is not available|could not open extension control file ".*\/(.+?)\.control"/.exec(said)
  const name = extension?.[1] ?? extension?.[2]
  const hint = name === undefined ? {} : { hint: `install the extension ${name} for the server's version on this host` }
  return new HoldfastError('RECOVERY_FAILED', `database ${database} could not be restored: ${said}`, { cause, ...hint })
}
