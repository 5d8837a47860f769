import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { HoldfastError } from '../domain/errors.js'
import { chunkBytes } from './chunk-size.js'

export interface FollowOptions {
  /** True once nothing will be appended any more. Asked only at the end of the file. */
  isFinished(): boolean | Promise<boolean>
  readonly signal: AbortSignal
  /** How long to wait at the end of a file that still grows. 100 ms unless told. */
  readonly pollMs?: number
  /** Byte to begin at; 0 unless told. */
  readonly start?: number
  /** What becomes of the handle when the stream closes, for whatever reason. `keep` unless told. */
  readonly handle?: 'keep' | 'close'
}

/**
 * Reads a file while it grows; ends at its end after the writer has finished. Holds at most two chunks of 1 MiB and reads no
 * faster than it is read. Fails with LOCAL_IO, with `signal.reason`, or with what `isFinished` throws.
 */
export function follow(handle: FileHandle, options: FollowOptions): Readable {
  const closed = new AbortController()
  const abort = (): void => {
    stream.destroy(asError(options.signal.reason))
  }
  const next = nextChunk(handle, options, closed.signal)
  const stream = new Readable({
    highWaterMark: chunkBytes,
    read() {
      next().then(
        (chunk) => this.push(chunk),
        (error) => this.destroy(asError(error)),
      )
    },
    destroy(error, callback) {
      options.signal.removeEventListener('abort', abort)
      closed.abort()
      const release = options.handle === 'close' ? handle.close() : Promise.resolve()
      release.then(
        () => callback(error),
        (cause) => callback(error ?? readFailure(cause)),
      )
    },
  })
  if (options.signal.aborted) abort()
  else options.signal.addEventListener('abort', abort, { once: true })
  return stream
}

const defaultPollMs = 100

function nextChunk(handle: FileHandle, options: FollowOptions, closed: AbortSignal): () => Promise<Uint8Array | null> {
  let position = options.start ?? 0
  // Asked first, then read to the end: the other order would miss what is appended between the two.
  let finished = false
  const read = chunkReader(handle)
  return async () => {
    while (!closed.aborted) {
      const chunk = await read(position)
      position += chunk.byteLength
      if (chunk.byteLength > 0) return chunk
      if (finished) return null
      finished = await options.isFinished()
      if (!finished) await delay(options.pollMs ?? defaultPollMs, undefined, { signal: closed }).catch(() => {})
    }
    return null
  }
}

function chunkReader(handle: FileHandle): (position: number) => Promise<Uint8Array> {
  let buffer = Buffer.allocUnsafeSlow(chunkBytes)
  return async (position) => {
    const { bytesRead } = await handle.read(buffer, 0, chunkBytes, position).catch((cause: unknown) => {
      throw readFailure(cause)
    })
    const chunk = buffer.subarray(0, bytesRead)
    // Copied when short, and the buffer kept: many small appends, and looks at the end, would otherwise cost 1 MiB each.
    if (bytesRead <= chunkBytes / 2) return Buffer.from(chunk)
    buffer = Buffer.allocUnsafeSlow(chunkBytes)
    return chunk
  }
}

function readFailure(cause: unknown): HoldfastError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new HoldfastError('LOCAL_IO', `cannot read a growing file: ${why}`, { cause })
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
