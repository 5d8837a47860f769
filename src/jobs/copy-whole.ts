import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { HoldfastError } from '../domain/errors.js'
import type { ObjectKey } from '../domain/ids.js'
import { count as countBytes } from '../pipeline/count.js'
import type { ArtifactCopy, Complete } from './replicate-artifact.js'

/** Copies to a repository on a local disk: from the beginning when it is interrupted, for a disk is quick and keeps no parts. */
export async function copyWhole(copy: ArtifactCopy, key: ObjectKey, source: Readable): Promise<Complete> {
  const growing = copy.target.store.growing
  if (growing === undefined) {
    throw new HoldfastError('STORE_INCAPABLE', `repository ${copy.target.name} takes neither parts nor growing objects`)
  }
  const object = await growing.create(key)
  const orDiscard = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      await object.discard()
      throw copy.signal.aborted ? copy.signal.reason : error
    }
  }
  await orDiscard(() =>
    pipeline([source, countBytes((bytes) => copy.count.sent(bytes)), object.writable], { signal: copy.signal }),
  )
  return () =>
    orDiscard(async () => {
      await copy.finished
      await object.commit()
    })
}
