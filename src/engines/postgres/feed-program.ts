import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { HoldfastError } from '../../domain/errors.js'
import { count } from '../../pipeline/count.js'
import type { Command } from '../../process/command.js'
import { startProgram } from '../../process/start-program.js'

interface Feeding {
  readonly command: Command
  readonly source: Readable
  readonly onBytes: (addedBytes: number) => void
  readonly onStderrLine?: (line: string) => void
  /** What the program's failure means, by its last words. */
  readonly explain: (lastLines: string, cause: unknown) => HoldfastError
}

/**
 * Gives a stream to a program's standard input, to the end of both. A program that ended well may have left the end unread.
 * @throws what `explain` makes of the program's failure; what the source fails with
 */
export async function feedProgram(feeding: Feeding, signal: AbortSignal): Promise<void> {
  const { command, source, onBytes, onStderrLine, explain } = feeding
  const failing = new AbortController()
  const either = AbortSignal.any([signal, failing.signal])
  const lines = onStderrLine === undefined ? {} : { onStderrLine }
  const running = startProgram(command, { signal: either, stdin: 'pipe', stdout: 'ignore', ...lines })
  const { stdin } = running
  if (stdin === undefined) throw new HoldfastError('INTERNAL', `${command.program} was started without an input`)
  const [fed, ended] = await Promise.allSettled([
    pipeline(source, count(onBytes), stdin, { signal: either }).catch((error: unknown) => {
      // A program that ended first tells more than our broken pipe, and a source that failed must not leave it waiting.
      if (isBrokenPipe(error)) return
      failing.abort(error)
      throw error
    }),
    running.finished,
  ])
  signal.throwIfAborted()
  if (failing.signal.aborted) throw failing.signal.reason
  if (ended.status === 'rejected') throw explain(running.stderrTail(), ended.reason)
  if (fed.status === 'rejected') throw fed.reason
}

function isBrokenPipe(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'EPIPE' || code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE'
}
