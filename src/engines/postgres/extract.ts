import type { Readable } from 'node:stream'
import { HoldfastError } from '../../domain/errors.js'
import type { SystemUser } from '../../process/command.js'
import { refuseForeignFiles } from './data-directory.js'
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
 * that point outside only when it is done; the user can write nowhere else anyway. Links are looked for before anything else is
 * done with the directory: what comes next may run as root.
 * @throws HoldfastError SPACE_SHORT, LOCAL_IO, ARTIFACT_DAMAGED (it holds what no backup holds); what the source fails with
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
  await refuseForeignFiles(directory)
}

function extractionFailure(directory: string, lastLines: string, cause: unknown): HoldfastError {
  const message = `cannot extract into ${directory}: ${lastLines.trim()}`
  if (/No space left|Disk quota/.test(lastLines)) {
    return new HoldfastError('SPACE_SHORT', message, { cause, hint: 'free space there (`df`) or inodes (`df -i`)' })
  }
  return new HoldfastError(strangeMember.test(lastLines) ? 'ARTIFACT_DAMAGED' : 'LOCAL_IO', message, { cause })
}

/** A name with `..`, a path through a link or a file, a link to what is not in the archive: no try would end otherwise. */
const strangeMember =
  /Member name contains '\.\.'|Cannot open: Not a directory|Cannot mkdir: Not a directory|Cannot hard link|not look like a tar archive/
