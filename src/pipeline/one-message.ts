import { Transform } from 'node:stream'
import { HoldfastError } from '../domain/errors.js'
import { chunkBytes } from './chunk-size.js'
import { createScanner, type Grammar } from './scanner.js'

/**
 * Passes chunks on as they are and fails with ARTIFACT_DAMAGED unless they are exactly one whole message: cut short, empty, or
 * with anything behind its end. Holds nothing. `what` begins the error's message.
 */
export function oneMessage(grammar: Grammar, what: string): Transform {
  const scanner = createScanner(grammar)
  let hasEnded = false
  return new Transform({
    highWaterMark: chunkBytes,
    transform(chunk: Buffer, _encoding, callback) {
      try {
        const end = hasEnded ? 0 : scanner.scan(chunk, 0)
        hasEnded ||= end !== undefined
        if (end !== undefined && end < chunk.length) callback(damage(what, 'there are bytes behind its end'))
        else callback(null, chunk)
      } catch (error) {
        callback(error instanceof Error ? error : new Error(String(error)))
      }
    },
    flush(callback) {
      callback(hasEnded ? null : damage(what, 'it ends early'))
    },
  })
}

function damage(what: string, why: string): HoldfastError {
  return new HoldfastError('ARTIFACT_DAMAGED', `${what} is damaged: ${why}`)
}
