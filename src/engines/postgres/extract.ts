import type { Readable } from 'node:stream'
import { HoldfastError } from '../../domain/errors.js'
import type { SystemUser } from '../../process/command.js'
import { feedProgram } from './feed-program.js'

interface Extraction {
  readonly source: Readable
  readonly directory: string
  readonly owner: SystemUser
  /** Members left out, by exact name. */
  readonly exclude?: readonly string[]
  readonly onBytes: (bytes: number) => void
}

/**
 * Extracts a tar archive with GNU tar, as the server's user. tar refuses members with `..`, drops a leading `/`, and makes links
 * that point outside only when it is done; the user can write nowhere else anyway.
 * @throws HoldfastError SPACE_SHORT, LOCAL_IO; what the source fails with
 */
export async function extract(extraction: Extraction, signal: AbortSignal): Promise<void> {
  const { source, directory, owner, onBytes } = extraction
  const exclusions = (extraction.exclude ?? []).map((name) => `--exclude=${name}`)
  const command = {
    program: 'tar',
    args: ['--extract', '--file=-', `--directory=${directory}`, '--no-same-owner', '--anchored', '--no-wildcards', ...exclusions],
    runAs: owner,
  }
  const explain = (lastLines: string, cause: unknown) => extractionFailure(directory, lastLines, cause)
  await feedProgram({ command, source, onBytes, explain }, signal)
}

function extractionFailure(directory: string, lastLines: string, cause: unknown): HoldfastError {
  const code = /No space left|Disk quota/.test(lastLines) ? 'SPACE_SHORT' : 'LOCAL_IO'
  return new HoldfastError(code, `cannot extract into ${directory}: ${lastLines.trim()}`, { cause })
}
