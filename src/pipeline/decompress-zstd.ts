import { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createZstdDecompress } from 'node:zlib'
import { HoldfastError } from '../domain/errors.js'
import { chunkBytes } from './chunk-size.js'
import { createScanner } from './scanner.js'
import { zstdFrame } from './zstd-frame.js'

/**
 * Decompresses any number of zstd frames, one after the other. Node's own stage stops at the end of the first frame, silently
 * if the next begins in the same chunk; so each frame gets a stage of its own. Holds the window (128 MiB at most) and a few MiB.
 * Fails with ARTIFACT_DAMAGED: no frame at all, anything but frames, wrong checksum, an early end.
 */
export function decompressZstd(): Duplex {
  return Duplex.from(decompressFrames)
}

async function* decompressFrames(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const frame of framesOf(source)) {
    const stage = createZstdDecompress({ chunkSize: chunkBytes })
    const fed = pipeline(frame, stage)
    // Its failure is the stage's failure, which the loop below meets; the promise only must not go unhandled.
    fed.catch(() => {})
    try {
      yield* stage
      await fed
    } catch (cause) {
      throw asDamage(cause)
    }
  }
}

/** The bytes of each frame in turn. A frame has to be read to its end before the next one is asked for. */
async function* framesOf(source: AsyncIterable<Buffer>): AsyncGenerator<AsyncIterable<Buffer>> {
  const chunks = source[Symbol.asyncIterator]()
  let rest = await nextNonEmpty(chunks)
  if (rest === undefined) throw new HoldfastError('ARTIFACT_DAMAGED', 'compressed bytes are damaged: there are none')

  async function* frame(): AsyncGenerator<Buffer> {
    const scanner = createScanner(zstdFrame)
    while (rest !== undefined) {
      const end = scanner.scan(rest, 0)
      yield rest.subarray(0, end)
      if (end !== undefined) {
        rest = end < rest.length ? rest.subarray(end) : await nextNonEmpty(chunks)
        return
      }
      rest = await nextNonEmpty(chunks)
    }
    throw new HoldfastError('ARTIFACT_DAMAGED', 'compressed bytes are damaged: they end within a zstd frame')
  }

  while (rest !== undefined) yield frame()
}

async function nextNonEmpty(chunks: AsyncIterator<Buffer>): Promise<Buffer | undefined> {
  for (;;) {
    const next = await chunks.next()
    if (next.done === true) return undefined
    if (next.value.length > 0) return next.value
  }
}

function asDamage(cause: unknown): unknown {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  if (!(cause instanceof Error) || !/^(ZSTD_|Z_)/.test(code)) return cause
  return new HoldfastError('ARTIFACT_DAMAGED', `compressed bytes are damaged: ${cause.message}`, { cause })
}
