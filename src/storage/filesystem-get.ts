import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { HoldfastError } from '../domain/errors.js'
import type { ObjectKey } from '../domain/ids.js'
import { errnoOf, toFilesystemError } from './filesystem-errors.js'
import type { Root } from './filesystem-paths.js'
import { sizedBody } from './sized-body.js'
import type { ByteRange, CallOptions, ObjectInfo } from './store.js'

/** @throws NOT_FOUND; ARTIFACT_DAMAGED for a range that begins beyond the end. */
export async function getFile(root: Root, key: ObjectKey, options: CallOptions & { range?: ByteRange }): Promise<Readable> {
  const handle = await openFile(root, root.locate(key).path)
  try {
    const stats = await handle?.stat()
    if (!handle || !stats?.isFile()) throw new HoldfastError('NOT_FOUND', `there is no object "${key}" below ${root.path}`)
    const range = clamp(options.range, stats.size, key)
    // An empty stream of its own: `end` is inclusive, so createReadStream cannot be told to read nothing.
    const source = range ? handle.createReadStream({ ...range, highWaterMark: chunkBytes }) : await emptyStream(handle)
    return sizedBody(source, {
      what: `object "${key}" below ${root.path}`,
      sizeBytes: range ? range.end - range.start + 1 : 0,
      toError: (error) => toFilesystemError(error, `reading "${key}" below ${root.path}`),
      signal: options.signal,
    })
  } catch (error) {
    await handle?.close()
    throw error
  }
}

export async function headFile(root: Root, key: ObjectKey): Promise<ObjectInfo | undefined> {
  const location = root.locate(key)
  try {
    await root.enter(location.directory)
    const stats = await lstat(location.path)
    return stats.isFile() ? describeFile(key, stats) : undefined
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
}

/** Opens for reading. Undefined where there is nothing; follows no link. */
export async function openFile(root: Root, path: string): Promise<FileHandle | undefined> {
  try {
    await root.enter(path.slice(0, path.lastIndexOf('/')))
    // O_NONBLOCK: a planted FIFO must not hang us.
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
}

export function describeFile(key: ObjectKey, stats: Stats): ObjectInfo {
  return { key, sizeBytes: stats.size, modifiedAt: stats.mtime }
}

const chunkBytes = 1024 * 1024

// ENOTDIR: a part of the key is an object itself, so nothing is below it.
function isAbsence(error: unknown): boolean {
  const errno = errnoOf(error)
  return errno === 'ENOENT' || errno === 'ENOTDIR'
}

function clamp(range: ByteRange | undefined, sizeBytes: number, key: ObjectKey): ByteRange | undefined {
  if (!range) return sizeBytes === 0 ? undefined : { start: 0, end: sizeBytes - 1 }
  if (range.start < sizeBytes) return { start: range.start, end: Math.min(range.end, sizeBytes - 1) }
  throw new HoldfastError('ARTIFACT_DAMAGED', `"${key}" has ${sizeBytes} bytes; byte ${range.start} was asked for`)
}

async function emptyStream(handle: FileHandle): Promise<Readable> {
  await handle.close()
  return Readable.from([], { objectMode: false })
}
