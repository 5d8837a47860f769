import { DeleteObjectCommand, DeleteObjectsCommand } from '@aws-sdk/client-s3'
import { HoldfastError } from '../domain/errors.js'
import type { ObjectKey } from '../domain/ids.js'
import type { S3Connection } from './s3-connection.js'
import { s3CodeOf } from './s3-errors.js'
import type { CallOptions, DeleteResult } from './store.js'

/** Deletes 1,000 keys a request, or one by one where the store refuses such requests. Only what the store confirms is deleted. */
export async function deleteObjects(s3: S3Connection, keys: readonly ObjectKey[], options: CallOptions): Promise<DeleteResult[]> {
  const results: DeleteResult[] = []
  let takesBatches = true
  for (let start = 0; start < keys.length; start += batchSize) {
    const batch = keys.slice(start, start + batchSize)
    const answer = takesBatches ? await deleteBatch(s3, batch, options) : undefined
    if (!answer) takesBatches = false
    results.push(...(answer ?? (await deleteSingly(s3, batch, options))))
  }
  return results
}

const batchSize = 1000
const requestsAtOnce = 8
const refusals = new Set([
  'NotImplemented',
  'MethodNotAllowed',
  'MissingContentMD5',
  'InvalidRequest',
  'InvalidDigest',
  'MalformedXML',
])

/** @returns undefined where the store does not take several keys at once. */
async function deleteBatch(
  s3: S3Connection,
  keys: readonly ObjectKey[],
  options: CallOptions,
): Promise<DeleteResult[] | undefined> {
  const command = new DeleteObjectsCommand({
    Bucket: s3.options.bucket,
    Delete: { Objects: keys.map((key) => ({ Key: s3.fullKey(key) })), Quiet: false },
  })
  try {
    const answer = await s3.run(`delete of ${keys.length} keys`, options, (sending) => s3.client.send(command, sending))
    const deleted = new Set((answer.Deleted ?? []).map((entry) => entry.Key))
    const errors = new Map((answer.Errors ?? []).map((entry) => [entry.Key, entry]))
    return keys.map((key): DeleteResult => {
      const error = errors.get(s3.fullKey(key))
      if (error?.Code === 'NoSuchKey') return { key, outcome: 'deleted' }
      if (error) return { key, outcome: 'failed', message: `${error.Code ?? 'error'}: ${error.Message ?? 'no reason given'}` }
      if (deleted.has(s3.fullKey(key))) return { key, outcome: 'deleted' }
      return { key, outcome: 'failed', message: 'the store did not say that it was deleted' }
    })
  } catch (error) {
    if (refusals.has(s3CodeOf(error) ?? '')) return undefined
    throw error
  }
}

async function deleteSingly(s3: S3Connection, keys: readonly ObjectKey[], options: CallOptions): Promise<DeleteResult[]> {
  const results: DeleteResult[] = []
  for (let start = 0; start < keys.length; start += requestsAtOnce) {
    const some = keys.slice(start, start + requestsAtOnce)
    results.push(...(await Promise.all(some.map((key) => deleteOne(s3, key, options)))))
  }
  return results
}

// What concerns the store as a whole fails the call; what concerns the key is its result.
async function deleteOne(s3: S3Connection, key: ObjectKey, options: CallOptions): Promise<DeleteResult> {
  const command = new DeleteObjectCommand({ Bucket: s3.options.bucket, Key: s3.fullKey(key) })
  try {
    await s3.run(`delete of "${key}"`, options, (sending) => s3.client.send(command, sending))
    return { key, outcome: 'deleted' }
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error
    if (error.code === 'NOT_FOUND') return { key, outcome: 'deleted' }
    if (error.code === 'STORE_UNAVAILABLE' || error.code === 'STORE_MISSING') throw error
    return { key, outcome: 'failed', message: error.message }
  }
}
