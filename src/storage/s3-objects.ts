import { Readable } from 'node:stream'
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3'
import { HoldfastError } from '../domain/errors.js'
import type { ObjectKey } from '../domain/ids.js'
import { crc32FromBase64 } from './crc32-forms.js'
import type { S3Connection } from './s3-connection.js'
import { isRefusedWithoutReason, toS3Error } from './s3-errors.js'
import { sizedBody } from './sized-body.js'
import type { ByteRange, CallOptions, ObjectInfo } from './store.js'

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
