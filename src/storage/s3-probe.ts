import { CopyObjectCommand, GetBucketVersioningCommand, GetObjectLockConfigurationCommand } from '@aws-sdk/client-s3'
import { type ErrorCode, HoldfastError } from '../domain/errors.js'
import type { ObjectKey } from '../domain/ids.js'
import type { S3Connection } from './s3-connection.js'
import { s3CodeOf } from './s3-errors.js'
import { listObjects } from './s3-list.js'
import { getObject } from './s3-objects.js'
import { probeMultipart } from './s3-probe-multipart.js'
import { probeContent, probeKey, thenTidy } from './s3-probe-objects.js'
import { putObject } from './s3-put.js'
import { isRefusal, succeeds } from './s3-refusal.js'
import type { CallOptions, StoreCapabilities } from './store.js'

/**
 * Tries everything out with small objects below `_holdfast/probe/`. What a store refuses is declared absent; that it cannot be
 * reached, or denies what every backup needs, fails the probe.
 */
export async function probeS3(s3: S3Connection, call: CallOptions): Promise<StoreCapabilities> {
  const keys = [probeKey(), probeKey(), probeKey()] as const
  return thenTidy(s3, keys, call, () => tryOut(s3, keys, call))
}

async function tryOut(
  s3: S3Connection,
  [plain, whole, copy]: readonly [ObjectKey, ObjectKey, ObjectKey],
  call: CallOptions,
): Promise<StoreCapabilities> {
  const conditionalPut = await probeConditionalPut(s3, plain, call)
  await probeReading(s3, plain, call)
  const multipart = await probeMultipart(s3, whole, call)
  return {
    conditionalPut,
    multipart: multipart !== 'absent',
    fullObjectCrc32: multipart === 'with-crc32',
    versioning: await probeVersioning(s3, call),
    objectLock: await probeObjectLock(s3, call),
    storageClasses: s3.options.endpoint === undefined ? awsStorageClasses : [],
    serverSideCopy: await probeCopy(s3, plain, copy, call),
  }
}

// Other stores have classes of their own, and no request that lists them.
const awsStorageClasses = [
  'STANDARD',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
]

async function probeConditionalPut(s3: S3Connection, key: ObjectKey, call: CallOptions): Promise<boolean> {
  const put = (condition: { readonly ifAbsent: boolean }) => putObject(s3, key, probeContent, { ...call, ...condition })
  try {
    if (!(await succeeds(put({ ifAbsent: true })))) {
      await put({ ifAbsent: false })
      return false
    }
  } catch (error) {
    // The key is ours alone: our own put is there, and its answer was lost. The second one decides.
    if (!isAlreadyThere(error)) throw error
  }
  try {
    await put({ ifAbsent: true })
    return false
  } catch (error) {
    if (!isAlreadyThere(error)) throw error
    // The store's own word, and not that its answer was lost and the object is there: that it is in either case.
    if (s3CodeOf(error) !== undefined) return true
    throw new HoldfastError('STORE_UNAVAILABLE', `whether ${s3.description} refuses what exists could not be seen`, {
      hint: 'its answer was lost on the way; ask again',
      cause: error,
    })
  }
}

function isAlreadyThere(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === 'ALREADY_EXISTS'
}

/** What commits, restores and `ls` cannot do without. */
async function probeReading(s3: S3Connection, key: ObjectKey, call: CallOptions): Promise<void> {
  const body = await getObject(s3, key, call)
  body.destroy()
  for await (const _ of listObjects(s3, key, call));
}

async function probeVersioning(s3: S3Connection, call: CallOptions): Promise<boolean> {
  const command = new GetBucketVersioningCommand({ Bucket: s3.options.bucket })
  const answer = await optional(s3.run('versioning', call, (sending) => s3.client.send(command, sending)))
  return answer?.Status === 'Enabled'
}

async function probeObjectLock(s3: S3Connection, call: CallOptions): Promise<boolean> {
  const command = new GetObjectLockConfigurationCommand({ Bucket: s3.options.bucket })
  const answer = await optional(s3.run('object lock', call, (sending) => s3.client.send(command, sending)))
  return answer?.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled'
}

async function probeCopy(s3: S3Connection, from: ObjectKey, to: ObjectKey, call: CallOptions): Promise<boolean> {
  const source = `${s3.options.bucket}/${s3.fullKey(from)}`
  const command = new CopyObjectCommand({ Bucket: s3.options.bucket, Key: s3.fullKey(to), CopySource: encodeURI(source) })
  return succeeds(s3.run('copy', call, (sending) => s3.client.send(command, sending)))
}

/** The answer to a question that credentials need not be allowed to ask. */
async function optional<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (isRefusal(error) || (error instanceof HoldfastError && askedInVain.has(error.code))) return undefined
    throw error
  }
}

const askedInVain = new Set<ErrorCode>(['STORE_DENIED', 'NOT_FOUND'])
