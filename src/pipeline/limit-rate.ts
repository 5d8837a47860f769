import { Transform } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'

/** Lets bytes pass no faster than this on average since the first one; pauses are not made up for. Holds one chunk. */
export function limitRate(options: { readonly bytesPerSecond: number }): Transform {
  const closed = new AbortController()
  let freeAtMs = 0
  return new Transform({
    // One chunk at a time: buffered ones would leave in a burst.
    highWaterMark: 0,
    transform(chunk: Buffer, _encoding, callback) {
      const nowMs = performance.now()
      freeAtMs = Math.max(freeAtMs, nowMs) + (chunk.length / options.bytesPerSecond) * 1000
      delay(freeAtMs - nowMs, undefined, { signal: closed.signal }).then(
        () => callback(null, chunk),
        // Destroyed while waiting: nobody is left to tell.
        () => {},
      )
    },
    destroy(error, callback) {
      closed.abort()
      callback(error)
    },
  })
}
