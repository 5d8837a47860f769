import { randomUUID } from 'node:crypto'
import type { ObjectKey } from '../domain/ids.js'
import type { S3Connection } from './s3-connection.js'
import { deleteObjects } from './s3-delete.js'
import type { CallOptions } from './store.js'

export const probeContent = Buffer.from('holdfast probe')

export function probeKey(): ObjectKey {
  return `_holdfast/probe/${randomUUID()}` as ObjectKey
}

/** Removes what was tried out, also when that failed. */
export async function thenTidy<T>(
  s3: S3Connection,
  keys: readonly ObjectKey[],
  call: CallOptions,
  work: () => Promise<T>,
): Promise<T> {
  let found: T
  try {
    found = await work()
  } catch (error) {
    // What failed first says more than that it cannot be tidied up either.
    await deleteObjects(s3, keys, call).catch(() => undefined)
    throw error
  }
  await deleteObjects(s3, keys, call)
  return found
}
