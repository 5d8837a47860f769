import { Transform } from 'node:stream'
import { chunkBytes } from './chunk-size.js'

/** Passes bytes on and tells of each chunk how many it had, and how many there were in all so far. */
export function count(onBytes: (addedBytes: number, totalBytes: number) => void): Transform {
  let totalBytes = 0
  return new Transform({
    highWaterMark: chunkBytes,
    transform(chunk: Buffer, _encoding, callback) {
      totalBytes += chunk.length
      onBytes(chunk.length, totalBytes)
      callback(null, chunk)
    },
  })
}
