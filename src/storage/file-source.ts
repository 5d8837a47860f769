import type { FileHandle } from 'node:fs/promises'
import { HoldfastError } from '../domain/errors.js'
import type { Source } from './store.js'

/** What an open file holds, which must not change. The handle stays the caller's. Holds a piece of 256 KiB. */
export async function fileSource(handle: FileHandle, what: string): Promise<Source> {
  const { size: sizeBytes } = await handle.stat()
  return { sizeBytes, read: () => piecesOf(handle, sizeBytes, what) }
}

/** What TLS takes at a time: larger pieces would be held once more, as they are and encrypted. */
const pieceBytes = 256 * 1024

async function* piecesOf(handle: FileHandle, sizeBytes: number, what: string): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < sizeBytes; ) {
    const piece = Buffer.allocUnsafeSlow(Math.min(pieceBytes, sizeBytes - at))
    const { bytesRead } = await handle.read(piece, 0, piece.length, at).catch((error: unknown) => {
      throw new HoldfastError('LOCAL_IO', `cannot read ${what}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      })
    })
    if (bytesRead === 0) throw new HoldfastError('LOCAL_IO', `${what} ends at ${at} of ${sizeBytes} bytes`)
    at += bytesRead
    yield piece.subarray(0, bytesRead)
  }
}
