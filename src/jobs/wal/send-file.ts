import { dirname } from 'node:path/posix'
import { buffer } from 'node:stream/consumers'
import { parseWalKey } from '../../catalog/wal-keys.js'
import type { Repository } from '../../composition/repository.js'
import { HoldfastError } from '../../domain/errors.js'
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
 * Puts one file into a repository. What is there under its key has the same content: the key holds the content's hash.
 * @returns `gone` when the spool no longer has it, because something newer took its place
 * @throws WAL_CONFLICT, WAL_FOREIGN when the repository has another content under the file's name
 */
export async function sendFile(sending: Sending, file: SealedFile): Promise<'sent' | 'there' | 'gone'> {
  const { target, pace, signal } = sending
  if (file.kind !== 'partial') await refuseOther(sending, file)
  const bytes = await read(sending, file)
  if (bytes === undefined) return 'gone'
  await pace(bytes.length, signal)
  try {
    await target.store.put(file.key, bytes, { ifAbsent: true, signal })
    return 'sent'
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'ALREADY_EXISTS') return 'there'
    throw error
  }
}

async function read({ spool, signal }: Sending, { key }: SealedFile): Promise<Buffer | undefined> {
  try {
    return await buffer(await spool.store.get(key, { signal }))
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'NOT_FOUND') return undefined
    throw error
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
