import { pipeline, Readable, Transform } from 'node:stream'
import type { Artifact } from '../../../domain/manifest.js'
import { count } from '../../../pipeline/count.js'
import { limitRate } from '../../../pipeline/limit-rate.js'
import type { Command } from '../../../process/command.js'
import { type RunningProgram, startProgram } from '../../../process/start-program.js'
import type { ArtifactContent, CaptureSink } from '../../engine.js'
import { feedSink } from '../feed-sink.js'

interface Output {
  readonly command: Command
  readonly name: string
  readonly content: Omit<ArtifactContent, 'source' | 'compressed'>
  readonly sink: CaptureSink
  readonly maxRateBytesPerSecond?: number
  readonly onBytes: (addedBytes: number) => void
  /** What the program's failure means, by its last words. */
  readonly explain: (lastLines: string, cause: unknown) => Error
}

/**
 * Stores what a program writes as an artifact. It is one only when the output has ended and the program has exited with status 0;
 * whatever fails first, the program or the storing, ends the other and is what is thrown.
 */
export async function storeOutput(output: Output, signal: AbortSignal): Promise<Artifact> {
  const failing = new AbortController()
  const either = AbortSignal.any([signal, failing.signal])
  const running = startProgram(output.command, { signal: either, stdin: 'ignore', stdout: 'pipe' })
  const source = wholeOutput(running, output, either)
  try {
    return await feedSink(output.sink, output.name, { ...output.content, compressed: 'no', source })
  } catch (error) {
    failing.abort(error)
    signal.throwIfAborted()
    throw error
  } finally {
    await running.finished.catch(() => undefined)
  }
}

/** Ends after the program has ended well; fails otherwise, so that half an output is never taken for a whole one. */
function wholeOutput(running: RunningProgram, output: Output, signal: AbortSignal): Readable {
  const { stdout = Readable.from([]) } = running
  const limited = output.maxRateBytesPerSecond
  const untilEndedWell = new Transform({
    transform: (chunk, _encoding, done) => done(null, chunk),
    flush(done) {
      running.finished.then(
        () => done(),
        (error: unknown) => done(signal.aborted ? asError(signal.reason) : output.explain(running.stderrTail(), error)),
      )
    },
  })
  const stages = [
    ...(limited === undefined ? [] : [limitRate({ bytesPerSecond: limited })]),
    count((added) => output.onBytes(added)),
    untilEndedWell,
  ]
  // Failures are seen by whoever reads the last stage.
  pipeline([stdout, ...stages], () => undefined)
  return untilEndedWell
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
