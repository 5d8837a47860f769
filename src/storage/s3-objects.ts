import { Readable } from 'node:stream'
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { HoldfastError } from '../domain/errors.js'
import type { ObjectKey } from '../domain/ids.js'
import { crc32FromBase64, crc32Of, crc32ToBase64 } from './crc32-forms.js'
import { retryConflicts } from './s3-conflict.js'
import type { S3Connection } from './s3-connection.js'
import { isRefusedWithoutReason, s3CodeOf, toS3Error } from './s3-errors.js'
import { storedAs } from './s3-stored-as.js'
import { sizedBody } from './sized-body.js'
import type { ByteRange, CallOptions, ObjectInfo } from './store.js'

/** One request with the CRC-32 along. At most 5 GiB, which `bytes` in memory never are. */
export async function putObject(
  s3: S3Connection,
  key: ObjectKey,
  bytes: Uint8Array,
  options: CallOptions & { ifAbsent: boolean },
): Promise<ObjectInfo> {
  const crc32 = crc32Of(bytes)
  const command = new PutObjectCommand({
    Bucket: s3.options.bucket,
    Key: s3.fullKey(key),
    Body: bytes,
    ContentLength: bytes.length,
    ChecksumCRC32: crc32ToBase64(crc32),
    ...(options.ifAbsent && { IfNoneMatch: '*' }),
    ...storedAs(s3.options),
  })
  let answeredAt: Date | undefined
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      answeredAt = dateOf(result.response)
      return result
    },
    { step: 'deserialize', name: 'readDate' },
  )
  await retryConflicts(s3.options.maxAttempts, options, () =>
    s3
      .run(`put of "${key}"`, options, (sending) => s3.client.send(command, sending))
      .catch((error: unknown) => {
        throw s3CodeOf(error) === 'BadDigest' ? corruptedOnTheWay(error) : error
      }),
  )
  // The answer to a put holds no time of the object; the time of the answer is it to the second.
  return { key, sizeBytes: bytes.length, modifiedAt: answeredAt ?? new Date(), crc32 }
}

export async function headObject(s3: S3Connection, key: ObjectKey, options: CallOptions): Promise<ObjectInfo | undefined> {
  const command = new HeadObjectCommand({ Bucket: s3.options.bucket, Key: s3.fullKey(key), ChecksumMode: 'ENABLED' })
  try {
    const head = await s3.run(`head of "${key}"`, options, (sending) => s3.client.send(command, sending))
    const crc32 = head.ChecksumType === 'COMPOSITE' ? undefined : crc32FromBase64(head.ChecksumCRC32)
    const modifiedAt = head.LastModified ?? new Date(0)
    return { key, sizeBytes: head.ContentLength ?? 0, modifiedAt, ...(crc32 && { crc32 }) }
  } catch (error) {
    if (isRefusedWithoutReason(error)) throw await withReason(s3, key, error, options)
    if (!(error instanceof HoldfastError) || error.code !== 'NOT_FOUND') throw error
    await s3.assertBucket(options)
    return undefined
  }
}

/** A GET is refused for what a HEAD was refused for, and is told why. @returns what to throw */
async function withReason(s3: S3Connection, key: ObjectKey, refusal: unknown, options: CallOptions): Promise<unknown> {
  const command = new GetObjectCommand({ Bucket: s3.options.bucket, Key: s3.fullKey(key), Range: 'bytes=0-0' })
  try {
    const { Body: body } = await s3.run(`head of "${key}"`, options, (sending) => s3.client.send(command, sending))
    if (body instanceof Readable) body.destroy()
    return refusal
  } catch (error) {
    return statusOf(error) === statusOf(refusal) ? error : refusal
  }
}

function statusOf(error: unknown): unknown {
  return error instanceof HoldfastError ? error.details.status : undefined
}

export async function getObject(
  s3: S3Connection,
  key: ObjectKey,
  options: CallOptions & { range?: ByteRange },
): Promise<Readable> {
  const { range, signal } = options
  const what = `get of "${key}"`
  const command = new GetObjectCommand({
    Bucket: s3.options.bucket,
    Key: s3.fullKey(key),
    ...(range && { Range: `bytes=${range.start}-${range.end}` }),
  })
  const answer = await s3.run(what, options, (sending) => s3.client.send(command, sending))
  const { Body: body, ContentLength: sizeBytes } = answer
  if (!(body instanceof Readable) || sizeBytes === undefined) {
    throw new HoldfastError('STORE_INCAPABLE', `${what} in ${s3.description} was answered without a length`)
  }
  if (range && !answer.ContentRange?.startsWith(`bytes ${range.start}-`)) {
    body.destroy()
    throw new HoldfastError('STORE_INCAPABLE', `${what} in ${s3.description} was answered with another range than asked for`)
  }
  const { bucket, region, requestTimeoutMs } = s3.options
  return sizedBody(body, {
    what: `"${key}" in ${s3.description}`,
    sizeBytes,
    signal,
    idleTimeoutMs: requestTimeoutMs,
    toError: (error) => toS3Error(error, { what, place: s3.description, bucket, region }),
  })
}

/** A digest of ours that the store did not find in what it received: the next try may arrive whole. */
export function corruptedOnTheWay(error: unknown): HoldfastError {
  const message = error instanceof Error ? error.message : String(error)
  return new HoldfastError('STORE_UNAVAILABLE', message, {
    hint: 'bytes were changed on the way to the store; check the network',
  })
}

function dateOf(response: unknown): Date | undefined {
  const headers = (response as { headers?: Record<string, string> } | undefined)?.headers
  const time = Date.parse(headers?.date ?? '')
  return Number.isNaN(time) ? undefined : new Date(time)
}
