import { PassThrough, type Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { hasCode } from './job-directory.js'

/** What was to be read could not be read, or is not what was written. The consumer is not to blame. */
export class ReadingFailed extends Error {
  constructor(cause: unknown) {
    super('an artifact could not be read', { cause })
  }
}

/**
 * Hands bytes through stages to a consumer, and judges the two apart. Reading goes on to the last byte whatever becomes of the
 * consumer: one that has all it wants before (tar at its end mark) must not hide what the rest would have shown, and one that
 * fails may have failed because of what it was given.
 * @throws ReadingFailed when the reading side failed; else what the consumer failed with
 */
export async function consumeThrough<T>(
  stored: Readable,
  stages: readonly NodeJS.ReadWriteStream[],
  consume: (source: Readable) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const offered = new PassThrough({ highWaterMark: bufferBytes })
  // A consumer that has stopped listening is no reason to end the process.
  offered.on('error', () => undefined)
  const hopeless = new AbortController()
  const reading = pipeline([stored, ...stages, forwardTo(offered)], { signal: AbortSignal.any([signal, hopeless.signal]) })
  const consuming = consume(offered)
    .catch((error: unknown) => {
      // Nothing is gained by reading on when our own disk is full.
      if (hasCode(error, 'SPACE_SHORT')) hopeless.abort(error)
      throw error
    })
    .finally(() => offered.destroy())
  const [read, consumed] = await Promise.allSettled([reading, consuming])
  if (read.status === 'rejected' && !hopeless.signal.aborted) throw new ReadingFailed(read.reason)
  if (consumed.status === 'rejected') throw consumed.reason
  return consumed.value
}

const bufferBytes = 1024 * 1024

/** Ends `offered` after the last good byte and fails it when the stages fail; takes everything once nobody reads it any more. */
function forwardTo(offered: PassThrough): Writable {
  return new Writable({
    highWaterMark: bufferBytes,
    write(chunk: Buffer, _encoding, done) {
      if (offered.destroyed || offered.write(chunk)) return done()
      const goOn = () => {
        offered.off('drain', goOn)
        offered.off('close', goOn)
        done()
      }
      offered.on('drain', goOn)
      offered.on('close', goOn)
    },
    final(done) {
      if (!offered.destroyed) offered.end()
      done()
    },
    destroy(error, done) {
      if (error !== null) offered.destroy(error)
      done(error)
    },
  })
}
