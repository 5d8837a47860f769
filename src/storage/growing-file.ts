import { type FileHandle, open, rm } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { ObjectKey } from '../domain/ids.js'
import { toFilesystemError } from './filesystem-errors.js'
import { describeFile } from './filesystem-get.js'
import type { Location } from './filesystem-paths.js'
import { nameFile } from './filesystem-put.js'
import type { GrowingObject, ObjectInfo } from './store.js'

/**
 * A file under a temporary name that becomes the object on commit. Its states: writing → (stream finished: synced, closed) →
 * committed | discarded. The stream closes the file also when it fails.
 */
export async function createGrowingFile(location: Location, key: ObjectKey): Promise<GrowingObject> {
  const temporary = growingPath(location)
  // Removed and not truncated: after a crash between link and unlink this name is a second one of a committed object.
  await rm(temporary, { force: true })
  const handle = await open(temporary, 'wx', 0o600)
  const what = `writing "${key}" in ${location.directory}`
  const writable = writeTo(handle, what)
  return {
    writable,
    commit: async () => {
      try {
        return await commit(writable, temporary, location, key)
      } catch (error) {
        throw toFilesystemError(error, what)
      }
    },
    discard: async () => {
      if (!writable.closed) {
        writable.on('error', () => undefined).destroy()
        await finished(writable).catch(() => undefined)
      }
      await rm(temporary, { force: true })
    },
  }
}

export function growingPath(location: Location): string {
  return `${location.directory}/.growing-${location.name}`
}

const bufferBytes = 1024 * 1024

async function commit(writable: Writable, temporary: string, location: Location, key: ObjectKey): Promise<ObjectInfo> {
  if (!writable.writableEnded && !writable.destroyed) writable.end()
  if (writable.errored) throw writable.errored
  if (!writable.closed) await finished(writable)
  const handle = await open(temporary, 'r')
  try {
    const info = describeFile(key, await handle.stat())
    await nameFile(temporary, location, key)
    return info
  } finally {
    await handle.close()
  }
}

// Not `FileHandle.createWriteStream`: its errors would reach pipelines unmapped, and it cannot sync before it closes.
function writeTo(handle: FileHandle, what: string): Writable {
  const settle = (work: Promise<void>, done: (error?: Error | null) => void): void => {
    work.then(
      () => done(),
      (error: unknown) => done(toFilesystemError(error, what)),
    )
  }
  return new Writable({
    highWaterMark: bufferBytes,
    write: (chunk: Buffer, _encoding, done) => settle(writeAll(handle, [chunk]), done),
    writev: (chunks, done) =>
      settle(
        writeAll(
          handle,
          chunks.map(({ chunk }) => chunk as Buffer),
        ),
        done,
      ),
    final: (done) => settle(handle.sync(), done),
    destroy: (error, done) => settle(handle.close(), (closing) => done(error ?? closing)),
  })
}

async function writeAll(handle: FileHandle, buffers: readonly Buffer[]): Promise<void> {
  for (const buffer of buffers) {
    let written = 0
    while (written < buffer.length) written += (await handle.write(buffer, written)).bytesWritten
  }
}
