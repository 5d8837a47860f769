import { HoldfastError } from '../../../domain/errors.js'
import type { Artifact } from '../../../domain/manifest.js'
import type { ArtifactReader } from '../../engine.js'
import { feedProgram } from '../feed-program.js'
import { type RestoreTarget, targetCommand } from './restore-target.js'

/**
 * Makes the roles of the original. psql goes on after an error: the superuser is there already, and a statement of one version
 * may mean nothing to another.
 * @returns the errors that are not just "already exists"
 * @throws HoldfastError RECOVERY_FAILED when psql itself fails; what the reader throws
 */
export function restoreGlobals(
  target: RestoreTarget,
  artifact: Artifact,
  reader: ArtifactReader,
  signal: AbortSignal,
): Promise<string[]> {
  const command = targetCommand(target, 'psql', 'postgres', ['--no-psqlrc', '--quiet', '--file=-'])
  return reader.read(artifact, async (source) => {
    const errors: string[] = []
    const onStderrLine = (line: string) => {
      // Only the line of the error itself: the lines after it may hold a role's password.
      const error = /ERROR: {2}(.*)/.exec(line)?.[1]
      if (error !== undefined && !error.endsWith('already exists')) errors.push(error)
    }
    await feedProgram({ command, source, onBytes: () => undefined, onStderrLine, explain: globalsFailure }, signal)
    return errors
  })
}

function globalsFailure(_lastLines: string, cause: unknown): HoldfastError {
  return new HoldfastError('RECOVERY_FAILED', 'psql failed while it made the roles of the original', { cause })
}
