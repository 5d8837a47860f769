import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** What came out of stages before they ended or failed. */
export interface Passed {
  readonly bytes: Buffer
  readonly error: unknown
}

/** Sends bytes through stages in chunks of `chunkBytes`, into a reader that takes its time now and then. */
export async function passThrough(
  bytes: Uint8Array,
  stages: readonly NodeJS.ReadWriteStream[],
  chunkBytes = 65_536,
): Promise<Passed> {
  const out: Uint8Array[] = []
  const sink = new Writable({
    write(chunk, _encoding, callback) {
      out.push(chunk)
      if (out.length % 2 === 0) setImmediate(callback)
      else callback()
    },
  })
  const error = await pipeline([Readable.from(chunksOf(bytes, chunkBytes)), ...stages, sink]).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return { bytes: Buffer.concat(out), error }
}

/** All that comes out of stages; throws what they fail with. */
export async function collect(
  bytes: Uint8Array,
  stages: readonly NodeJS.ReadWriteStream[],
  chunkBytes?: number,
): Promise<Buffer> {
  const passed = await passThrough(bytes, stages, chunkBytes)
  if (passed.error !== undefined) throw passed.error
  return passed.bytes
}

/** Bytes that compress a little: random ones and runs, in turns. Always the same for a size. */
export function sampleBytes(sizeBytes: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.alloc(sizeBytes)
  let state = 42
  for (let index = 0; index < sizeBytes; index++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    bytes[index] = (index >> 9) % 3 === 0 ? 7 : state >>> 16
  }
  return bytes
}

function* chunksOf(bytes: Uint8Array, chunkBytes: number): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += chunkBytes) yield bytes.subarray(offset, offset + chunkBytes)
}
