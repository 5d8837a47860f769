import { HoldfastError } from '../../../domain/errors.js'
import type { Artifact } from '../../../domain/manifest.js'
import type { ArtifactReader } from '../../engine.js'
import { feedProgram } from '../feed-program.js'
import { type RestoreTarget, targetCommand } from './restore-target.js'

interface DumpRestore {
  readonly target: RestoreTarget
  readonly artifact: Artifact
  /** Name of the database, for messages. */
  readonly database: string
  readonly reader: ArtifactReader
  /** Called when the database is begun, also again; what it returns is told of each chunk. */
  readonly begin: () => (addedBytes: number) => void
}

/**
 * Makes a database and everything in it from its dump, as it comes from the repository. The database is dropped first: the
 * reader begins again when it finds damage late.
 * @throws HoldfastError RECOVERY_FAILED naming the database, with pg_restore's last words; what the reader throws
 */
export async function restoreDump(
  { target, artifact, database, reader, begin }: DumpRestore,
  signal: AbortSignal,
): Promise<void> {
  const command = targetCommand(target, 'pg_restore', 'template1', wholeDatabase)
  const explain = (lastLines: string, cause: unknown) => restoreFailure(database, lastLines, cause)
  await reader.read(artifact, (source) => feedProgram({ command, source, onBytes: begin(), explain }, signal))
}

/** With `--create`, `--clean` drops the database alone, so a copy that was begun, or that initdb made, is replaced. */
export const wholeDatabase = ['--create', '--clean', '--if-exists', '--exit-on-error', '--no-tablespaces']

export function restoreFailure(database: string, lastLines: string, cause: unknown): HoldfastError {
  const said = lastLines.trim() || (cause instanceof Error ? cause.message : 'it said nothing')
  if (/No space left on device|Disk quota exceeded/.test(said)) {
    return new HoldfastError('SPACE_SHORT', `database ${database} could not be restored: ${said}`, { cause })
  }
  const extension = /extension "(.+)" is not available|could not open extension control file ".*\/(.+)\.control"/.exec(said)
  const name = extension?.[1] ?? extension?.[2]
  const hint = name === undefined ? {} : { hint: `install the extension ${name} for the server's version on this host` }
  return new HoldfastError('RECOVERY_FAILED', `database ${database} could not be restored: ${said}`, { cause, ...hint })
}
