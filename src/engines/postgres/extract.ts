import type { Readable } from 'node:stream'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { HoldfastError } from '../../domain/errors.js'
import type { SystemUser } from '../../process/command.js'
import { startProgram } from '../../process/start-program.js'
import { refuseForeignFiles } from './data-directory.js'

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
  const failing = new AbortController()
  const either = AbortSignal.any([signal, failing.signal])
  const exclusions = (extraction.exclude ?? []).map((name) => `--exclude=${name}`)
  const running = startProgram(
    {
      program: 'tar',
      args: [
        '--extract',
        '--file=-',
        `--directory=${extraction.directory}`,
        '--no-same-owner',
        '--anchored',
        '--no-wildcards',
        ...exclusions,
      ],
      runAs: extraction.owner,
    },
    { signal: either, stdin: 'pipe', stdout: 'ignore' },
  )
  const { stdin } = running
  if (stdin === undefined) throw new HoldfastError('INTERNAL', 'tar was started without an input')
  const [fed, ended] = await Promise.allSettled([
    pipeline(extraction.source, counter(extraction.onBytes), stdin, { signal: either }).catch((error: unknown) => {
      // tar that ended first tells more than our broken pipe, and a source that failed must not leave tar waiting.
      if (!isBrokenPipe(error)) failing.abort(error)
      throw error
    }),
    running.finished,
  ])
  signal.throwIfAborted()
  if (failing.signal.aborted) throw failing.signal.reason
  if (ended.status === 'rejected') throw extractionFailure(extraction.directory, running.stderrTail(), ended.reason)
  if (fed.status === 'rejected') throw fed.reason
  await refuseForeignFiles(extraction.directory)
}

function counter(onBytes: (bytes: number) => void): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      onBytes(chunk.length)
      done(null, chunk)
    },
  })
}

function isBrokenPipe(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'EPIPE' || code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE'
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
