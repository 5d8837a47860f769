import type { Readable } from 'node:stream'
import { HoldfastError } from '../../domain/errors.js'
import type { SystemUser } from '../../process/command.js'
import { locateProgram } from '../../process/find-program.js'
import { refuseForeignFiles } from './data-directory.js'
import { feedProgram } from './feed-program.js'

interface Extraction {
  /** A tar archive, compressed by zstd. */
  readonly source: Readable
  readonly directory: string
  readonly owner: SystemUser
  /** Members left out, by exact name. */
  readonly exclude?: readonly string[]
  readonly onBytes: (bytes: number) => void
}

/**
 * Extracts a compressed tar archive with GNU tar and zstd, as the server's user. Its bytes never come back to us: through Node
 * they took four times the processor time. tar refuses members with `..`, drops a leading `/`, and makes links
 * that point outside only when it is done; the user can write nowhere else anyway. Links are looked for before anything else is
 * done with the directory: what comes next may run as root.
 * @throws HoldfastError TOOL_MISSING, SPACE_SHORT, LOCAL_IO, ARTIFACT_DAMAGED (it holds what no backup holds); what the source fails with
 */
export async function extract(extraction: Extraction, signal: AbortSignal): Promise<void> {
  const { source, directory, owner, onBytes } = extraction
  const exclusions = (extraction.exclude ?? []).map((name) => `--exclude=${name}`)
  const command = {
    program: 'tar',
    args: ['--extract', '--zstd', ...records, '--file=-', `--directory=${directory}`, ...asPlainFiles, ...exclusions],
    runAs: owner,
  }
  // tar starts it by itself, and would say nothing of what to do.
  locateProgram('zstd', process.env.PATH)
  const explain = (lastLines: string, cause: unknown) => extractionFailure(directory, lastLines, cause)
  await feedProgram({ command, source, onBytes, explain }, signal)
  await refuseForeignFiles(directory)
}

/** 256 KiB at a time through the pipes and to the files; tar's own 10 KiB take half as long again. */
const records = ['--blocking-factor=512']
const asPlainFiles = ['--no-same-owner', '--anchored', '--no-wildcards']

function extractionFailure(directory: string, lastLines: string, cause: unknown): HoldfastError {
  const message = `cannot extract into ${directory}: ${lastLines.trim()}`
  if (/No space left|Disk quota/.test(lastLines)) {
    return new HoldfastError('SPACE_SHORT', message, { cause, hint: 'free space there (`df`) or inodes (`df -i`)' })
  }
  return new HoldfastError(damage.some((pattern) => pattern.test(lastLines)) ? 'ARTIFACT_DAMAGED' : 'LOCAL_IO', message, {
    cause,
  })
}

/**
 * A name with `..`, a path through a link or a file, a link to what is not in the archive, no archive, nothing zstd knows: no try
 * would end otherwise.
 */
const damage = [
  /Member name contains '\.\.'|Cannot open: Not a directory|Cannot mkdir: Not a directory|Cannot hard link/,
  /not look like a tar archive/,
  /\/\*stdin\*\\ ?: (Decoding error|Read error|unsupported format)/,
]
