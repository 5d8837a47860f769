import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { HoldfastError } from '../domain/errors.js'

interface BodyOptions {
  /** What is read, for messages: `object "a/b" of s3://bucket`. */
  readonly what: string
  readonly sizeBytes: number
  readonly toError: (error: Error) => Error
  readonly signal: AbortSignal | undefined
  /** Longest time without a byte while the reader wants one. Absent: for ever. */
  readonly idleTimeoutMs?: number
}

/**
 * A body that ends well only after exactly `sizeBytes`: an early or late end, silence, and an abort fail the stream.
 * Stores send it in pieces of 4 to 16 KiB; they are handed on by the MiB, for each one costs every stage behind us a turn of its
 * own. Buffers at most 2 MiB beyond what the source buffers.
 */
export function sizedBody(source: Readable, options: BodyOptions): Readable {
  const gather = gatherer(Math.min(bufferBytes, options.sizeBytes))
  let receivedBytes = 0
  let wasDestroyed = false
  const body = new Transform({
    readableHighWaterMark: bufferBytes,
    writableHighWaterMark: bufferBytes,
    transform(chunk: Buffer, _encoding, done) {
      receivedBytes += chunk.length
      watch?.refresh()
      if (receivedBytes > options.sizeBytes) return done(wrongSize(options, receivedBytes))
      for (const gathered of gather.add(chunk)) this.push(gathered)
      done()
    },
    flush(done) {
      // All that was sent is here: from now on only the reader is waited for.
      clearInterval(watch)
      const rest = gather.rest()
      if (rest.length > 0) this.push(rest)
      done(receivedBytes === options.sizeBytes ? null : wrongSize(options, receivedBytes))
    },
    destroy(error, done) {
      wasDestroyed = true
      clearInterval(watch)
      done(error && failureOf(error, options))
    },
  })
  // A slow reader is not a silent store: while our buffer is full nobody has asked for more.
  const watch =
    options.idleTimeoutMs === undefined
      ? undefined
      : setInterval(() => {
          if (body.readableLength < bufferBytes && body.writableLength === 0) body.destroy(silence(options))
        }, options.idleTimeoutMs)
  // Failures reach the reader as errors of `body`; the promise says nothing more.
  pipeline(source, body, options.signal ? { signal: options.signal } : {}).catch(() => undefined)
  // The source may have failed in the moment between its answer and this call.
  if (source.errored && !wasDestroyed) body.destroy(source.errored)
  return body
}

const bufferBytes = 1024 * 1024

/** Puts small pieces together into buffers of exactly one size; whole ones pass as they are. */
function gatherer(sizeBytes: number): { add(chunk: Buffer): Buffer[]; rest(): Buffer } {
  let buffer: Buffer | undefined
  let filled = 0
  const rest = (): Buffer => {
    const gathered = buffer?.subarray(0, filled) ?? Buffer.alloc(0)
    buffer = undefined
    filled = 0
    return gathered
  }
  return {
    rest,
    add(chunk) {
      if (filled === 0 && chunk.length >= sizeBytes) return [chunk]
      const full: Buffer[] = []
      for (let offset = 0; offset < chunk.length; ) {
        buffer ??= Buffer.allocUnsafeSlow(sizeBytes)
        const copied = chunk.copy(buffer, filled, offset)
        offset += copied
        filled += copied
        if (filled === sizeBytes) full.push(rest())
      }
      return full
    },
  }
}

function failureOf(error: Error, options: BodyOptions): Error {
  if (options.signal?.aborted) {
    const reason: unknown = options.signal.reason
    return reason instanceof Error ? reason : new Error(String(reason))
  }
  return error instanceof HoldfastError ? error : options.toError(error)
}

function wrongSize(options: BodyOptions, receivedBytes: number): HoldfastError {
  return new HoldfastError(
    'STORE_UNAVAILABLE',
    `the body of ${options.what} had ${receivedBytes} of ${options.sizeBytes} bytes when it ended`,
    { details: { receivedBytes, sizeBytes: options.sizeBytes } },
  )
}

function silence(options: BodyOptions): HoldfastError {
  return new HoldfastError('STORE_UNAVAILABLE', `no byte of ${options.what} arrived for ${options.idleTimeoutMs} ms`)
}
