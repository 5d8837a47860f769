import { randomUUID } from 'node:crypto'
import { CopyObjectCommand, GetBucketVersioningCommand, GetObjectLockConfigurationCommand } from '@aws-sdk/client-s3'
import { type ErrorCode, HoldfastError } from '../domain/errors.js'
import type { ObjectKey } from '../domain/ids.js'
import { crc32Of } from './crc32-forms.js'
import type { S3Connection } from './s3-connection.js'
import { deleteObjects } from './s3-delete.js'
import { s3CodeOf } from './s3-errors.js'
import { listObjects } from './s3-list.js'
import { getObject, headObject } from './s3-objects.js'
import { putObject } from './s3-put.js'
import { s3Uploads } from './s3-uploads.js'
import type { CallOptions, StoreCapabilities } from './store.js'

/**
 * Tries everything out with small objects below `_holdfast/probe/`. What a store refuses is declared absent; that it cannot be
 * reached, or denies what every backup needs, fails the probe.
 */
export async function probeS3(s3: S3Connection, call: CallOptions): Promise<StoreCapabilities> {
  const keys = [probeKey(), probeKey(), probeKey()] as const
  try {
    const capabilities = await tryOut(s3, keys, call)
    await deleteObjects(s3, keys, call)
    return capabilities
  } catch (error) {
    // What failed first says more than that it cannot be tidied up either.
    await deleteObjects(s3, keys, call).catch(() => undefined)
    throw error
  }
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
const content = Buffer.from('holdfast probe')

function probeKey(): ObjectKey {
  return `_holdfast/probe/${randomUUID()}` as ObjectKey
}

async function probeConditionalPut(s3: S3Connection, key: ObjectKey, call: CallOptions): Promise<boolean> {
  if (!(await succeeds(putObject(s3, key, content, { ...call, ifAbsent: true })))) {
    await putObject(s3, key, content, { ...call, ifAbsent: false })
    return false
  }
  try {
    await putObject(s3, key, content, { ...call, ifAbsent: true })
    return false
  } catch (error) {
    // The store's own word: a put whose answer was lost finds the object as well.
    if (error instanceof HoldfastError && error.code === 'ALREADY_EXISTS' && s3CodeOf(error) !== undefined) return true
    throw error
  }
}

/** What commits, restores and `ls` cannot do without. */
async function probeReading(s3: S3Connection, key: ObjectKey, call: CallOptions): Promise<void> {
  const body = await getObject(s3, key, call)
  body.destroy()
  for await (const _ of listObjects(s3, key, call));
}

async function probeMultipart(
  s3: S3Connection,
  key: ObjectKey,
  call: CallOptions,
): Promise<'with-crc32' | 'without-crc32' | 'absent'> {
  const uploads = s3Uploads(s3, () => 'sent')
  if (await succeeds(uploadOnce(s3, key, call, 'sent'))) {
    const expected = crc32Of(content)
    const info = await headObject(s3, key, call)
    // A store may take any checksum without a look; one that accepts a wrong one does not compute them.
    return info?.crc32 === expected ? 'with-crc32' : 'without-crc32'
  }
  for await (const upload of uploads.listStale(key, new Date(Date.now() + 86_400_000), call)) await uploads.abort(upload, call)
  return (await succeeds(uploadOnce(s3, key, call, 'unknown-to-the-store'))) ? 'without-crc32' : 'absent'
}

async function uploadOnce(
  s3: S3Connection,
  key: ObjectKey,
  call: CallOptions,
  checksum: 'sent' | 'unknown-to-the-store',
): Promise<void> {
  const uploads = s3Uploads(s3, () => checksum)
  // Every copy looks for an upload to go on with before it begins one.
  await uploads.find(key, call)
  const upload = await uploads.begin(key, call)
  try {
    await uploads.putPart(upload, { number: 1, bytes: content, crc32: crc32Of(content) }, call)
    const parts = await uploads.parts(upload, call)
    await uploads.complete(upload, parts, { ...call, ifAbsent: false, crc32: crc32Of(content) })
  } finally {
    await uploads.abort(upload, call)
  }
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

/** Whether a store does something at all. Only a plain no counts as no. */
async function succeeds(work: Promise<unknown>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if (isRefusal(error)) return false
    throw error
  }
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
const refusals = new Set(['NotImplemented', 'InvalidRequest', 'InvalidArgument', 'MethodNotAllowed', 'MalformedXML'])

function isRefusal(error: unknown): boolean {
  if (!(error instanceof HoldfastError)) return false
  return error.code === 'STORE_INCAPABLE' || error.code === 'ARTIFACT_DAMAGED' || refusals.has(s3CodeOf(error) ?? '')
}
