import { randomUUID } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Repository } from '../../composition/repository.js'
import { HoldfastError } from '../../domain/errors.js'
import type { SystemName } from '../../domain/ids.js'
import type { KeyRing } from '../../domain/keys.js'
import type { WalObject } from '../../domain/wal.js'
import { fileSource } from '../../storage/file-source.js'
import { toFilesystemError } from '../../storage/filesystem-errors.js'
import { unpackWal } from '../unpack-wal.js'

export interface ObjectCopy {
  readonly system: SystemName
  readonly keys: KeyRing
  readonly segmentSizeBytes: number
  /** Where a file without a name lies meanwhile. */
  readonly directory: string
  readonly signal: AbortSignal
}

/**
 * Brings a segment from one repository into another, as it is and under the same key. It is checked before: under a key that holds
 * a hash nothing is put that has another. On disk meanwhile, and never whole in memory.
 * @throws ARTIFACT_DAMAGED, KEY_MISSING, NOT_FOUND, STORE_…, SPACE_SHORT
 */
export async function copyObject(from: Repository, to: Repository, object: WalObject, copy: ObjectCopy): Promise<void> {
  const { signal } = copy
  const file = await openNameless(copy.directory)
  try {
    const stored = await from.store.get(object.key, { signal })
    await file.writeFile(stored, { signal }).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : toFilesystemError(error, `writing below ${copy.directory}`)
    })
    const source = await fileSource(file, `a copy of ${object.key}`)
    const { stages, check } = unpackWal(copy.system, object, copy.keys, { exactlyBytes: copy.segmentSizeBytes })
    await pipeline([Readable.from(source.read(), { objectMode: false }), ...stages, nowhere()], { signal })
    check()
    await to.store.putFrom(object.key, source, { ifAbsent: true, signal })
  } catch (error) {
    if (!(error instanceof HoldfastError && error.code === 'ALREADY_EXISTS')) throw error
  } finally {
    await file.close()
  }
}

/** It is gone when we are, whatever ends us. */
async function openNameless(directory: string): Promise<FileHandle> {
  const path = join(directory, `mending-${randomUUID()}`)
  const file = await open(path, 'wx+', 0o600)
  await rm(path)
  return file
}

function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() })
}
