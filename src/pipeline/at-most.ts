import { Transform } from 'node:stream'
import { HoldfastError } from '../domain/errors.js'
import { chunkBytes } from './chunk-size.js'

/** Passes bytes on; fails with ARTIFACT_DAMAGED where there are more: a small object may decompress to any size. */
export function atMost(limitBytes: number): Transform {
  let passedBytes = 0
  return new Transform({
    highWaterMark: chunkBytes,
    transform(chunk: Buffer, _encoding, callback) {
      passedBytes += chunk.length
      if (passedBytes <= limitBytes) callback(null, chunk)
      else callback(new HoldfastError('ARTIFACT_DAMAGED', `it holds more than ${limitBytes} bytes`))
    },
  })
}
