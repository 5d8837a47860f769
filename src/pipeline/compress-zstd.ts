import type { Transform } from 'node:stream'
import { constants, createZstdCompress } from 'node:zlib'
import { chunkBytes } from './chunk-size.js'

/**
 * Compresses to one zstd frame with a checksum, off the main thread. Holds a window (8 MiB at most up to level 9) and 1 MiB.
 * Not with several workers: in Node 24 a stream with `ZSTD_c_nbWorkers` fails at its end.
 * @param options.level 1 (fastest) to 19
 */
export function compressZstd(options: { readonly level: number }): Transform {
  return createZstdCompress({
    chunkSize: chunkBytes,
    params: { [constants.ZSTD_c_compressionLevel]: options.level, [constants.ZSTD_c_checksumFlag]: 1 },
  })
}
