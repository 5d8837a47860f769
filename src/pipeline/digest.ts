import { createHash } from 'node:crypto'
import { Transform } from 'node:stream'
import { crc32 } from '@node-rs/crc32'
import { HoldfastError } from '../domain/errors.js'
import { type Crc32, parseCrc32, parseSha256, type Sha256 } from '../domain/ids.js'
import { chunkBytes } from './chunk-size.js'

/** Size and both checksums of a run of bytes. */
export interface Digests {
  readonly sizeBytes: number
  readonly crc32: Crc32
  readonly sha256: Sha256
}

/**
 * Passes bytes on and digests them; `result` after the end. Hashes on this thread, about 300 MB/s: handing chunks to a worker
 * thread won a fifth at best while both cores were idle, and lost as much when they were not.
 */
export function digest(): Transform & { result(): Digests } {
  const digester = createDigester()
  let digests: Digests | undefined
  const stage = new Transform({
    highWaterMark: chunkBytes,
    transform(chunk: Buffer, _encoding, callback) {
      digester.update(chunk)
      callback(null, chunk)
    },
    flush(callback) {
      digests = digester.result()
      callback()
    },
  })
  return Object.assign(stage, {
    result(): Digests {
      if (digests === undefined) throw new HoldfastError('INTERNAL', 'the digests of a stream were asked for before its end')
      return digests
    },
  })
}

/** Passes bytes on; fails at their end with ARTIFACT_DAMAGED if they are not those expected. `what` names them in the message. */
export function expectDigest(expected: Digests, what: string): Transform {
  const digester = createDigester()
  return new Transform({
    highWaterMark: chunkBytes,
    transform(chunk: Buffer, _encoding, callback) {
      digester.update(chunk)
      callback(null, chunk)
    },
    flush(callback) {
      callback(differenceOf(digester.result(), expected, what))
    },
  })
}

function createDigester(): { update(chunk: Buffer): void; result(): Digests } {
  const sha256 = createHash('sha256')
  let crc = 0
  let sizeBytes = 0
  return {
    update(chunk) {
      sha256.update(chunk)
      crc = crc32(chunk, crc)
      sizeBytes += chunk.length
    },
    result: () => ({
      sizeBytes,
      crc32: parseCrc32(crc.toString(16).padStart(8, '0')),
      sha256: parseSha256(sha256.digest('hex')),
    }),
  }
}

function differenceOf(found: Digests, expected: Digests, what: string): HoldfastError | null {
  if (found.sizeBytes !== expected.sizeBytes) {
    return new HoldfastError('ARTIFACT_DAMAGED', `${what} has ${found.sizeBytes} bytes instead of ${expected.sizeBytes}`)
  }
  if (found.sha256 === expected.sha256 && found.crc32 === expected.crc32) return null
  return new HoldfastError(
    'ARTIFACT_DAMAGED',
    `${what} has other bytes than were written: SHA-256 ${found.sha256} instead of ${expected.sha256}`,
  )
}
