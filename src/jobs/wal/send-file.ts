import { dirname } from 'node:path/posix'
import { parseWalKey } from '../../catalog/wal-keys.js'
import type { Repository } from '../../composition/repository.js'
import { HoldfastError } from '../../domain/errors.js'
import { fileSource } from '../../storage/file-source.js'
import type { Pace } from '../upload-pacer.js'
import type { SealedFile } from './sealed-files.js'
import type { Spool } from './spool.js'

interface Sending {
  readonly spool: Spool
  readonly target: Repository
  readonly pace: Pace
  readonly signal: AbortSignal
}

/**
 * Puts one file into a repository, read as it is sent. What is there under its key has the same content: the key holds the
 * content's hash.
 * @returns `gone` when the spool no longer has it, because something newer took its place
 * @throws WAL_CONFLICT, WAL_FOREIGN when the repository has another content under the file's name
 */
export async function sendFile(sending: Sending, file: SealedFile): Promise<'sent' | 'there' | 'gone'> {
  const { spool, target, pace, signal } = sending
  if (file.kind !== 'partial') await refuseOther(sending, file)
  // What is open can be read to its end, whoever removes it. A spool made anew may be sealing the same file again.
  const handle = await spool.store.growing.openWhole(file.key)
  if (handle === undefined) return 'gone'
  try {
    await pace(file.sizeBytes, signal)
    const source = await fileSource(handle, `${file.key} in the spool`)
    await target.store.putFrom(file.key, source, { ifAbsent: true, signal })
    return 'sent'
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'ALREADY_EXISTS') return 'there'
    throw error
  } finally {
    await handle.close()
  }
}

/** Of the same day: two that archive under one name are found out by the first file both have. */
async function refuseOther({ target, signal }: Sending, file: SealedFile): Promise<void> {
  for await (const { key } of target.store.list(`${dirname(file.key)}/${file.file}-`, { signal })) {
    const other = parseWalKey(key)?.identity
    if (other === undefined || other.kind !== file.kind) continue
    if (other.systemIdentifier !== file.systemIdentifier) {
      throw new HoldfastError(
        'WAL_FOREIGN',
        `it holds ${file.file} of the cluster ${other.systemIdentifier}, and ours is ${file.systemIdentifier}`,
      )
    }
    if (other.hash !== file.hash) {
      throw new HoldfastError(
        'WAL_CONFLICT',
        `it holds ${file.file} with another content (${other.hash}) than ours (${file.hash})`,
      )
    }
  }
}
