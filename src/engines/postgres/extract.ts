import type { Readable } from 'node:stream'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { HoldfastError } from '../../domain/errors.js'
import type { SystemUser } from '../../process/command.js'
import { startProgram } from '../../process/start-program.js'

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
  const code = /No space left|Disk quota/.test(lastLines) ? 'SPACE_SHORT' : 'LOCAL_IO'
  return new HoldfastError(code, `cannot extract into ${directory}: ${lastLines.trim()}`, { cause })
}
