import { PutObjectCommand } from '@aws-sdk/client-s3'
import { HoldfastError } from '../domain/errors.js'
import type { Crc32, ObjectKey } from '../domain/ids.js'
import { crc32Of, crc32ToBase64 } from './crc32-forms.js'
import { retryConflicts } from './s3-conflict.js'
import type { S3Connection } from './s3-connection.js'
import { isUnanswered, s3CodeOf } from './s3-errors.js'
import { headObject } from './s3-objects.js'
import { storedAs } from './s3-stored-as.js'
import type { CallOptions, ObjectInfo } from './store.js'

/** One request with the CRC-32 along. At most 5 GiB, which `bytes` in memory never are. */
export async function putObject(
  s3: S3Connection,
  key: ObjectKey,
  bytes: Uint8Array,
  options: CallOptions & { ifAbsent: boolean },
): Promise<ObjectInfo> {
  const crc32 = crc32Of(bytes)
  const { command, answeredAt } = putCommand(s3, key, { body: bytes, sizeBytes: bytes.length, crc32 }, options)
  await sendPut(s3, key, command, options)
  return { key, sizeBytes: bytes.length, modifiedAt: answeredAt(), crc32 }
}

interface PutBody {
  /** Absent: it is put in later. */
  readonly body?: Uint8Array
  readonly sizeBytes: number
  readonly crc32: Crc32
}

/** The answer to a put holds no time of the object; the time of the answer is it to the second. */
export function putCommand(
  s3: S3Connection,
  key: ObjectKey,
  { body, sizeBytes, crc32 }: PutBody,
  { ifAbsent }: { readonly ifAbsent: boolean },
): { readonly command: PutObjectCommand; answeredAt(): Date } {
  const command = new PutObjectCommand({
    Bucket: s3.options.bucket,
    Key: s3.fullKey(key),
    ...(body && { Body: body }),
    ContentLength: sizeBytes,
    ChecksumCRC32: crc32ToBase64(crc32),
    ...(ifAbsent && { IfNoneMatch: '*' }),
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
  return { command, answeredAt: () => answeredAt ?? new Date() }
}

/** @throws ALREADY_EXISTS also when the store's refusal was lost */
export async function sendPut(
  s3: S3Connection,
  key: ObjectKey,
  command: PutObjectCommand,
  options: CallOptions & { readonly ifAbsent: boolean },
): Promise<void> {
  try {
    await retryConflicts(s3.options.maxAttempts, options, () =>
      s3.run(`put of "${key}"`, options, (sending) => s3.client.send(command, sending)),
    )
  } catch (error) {
    if (s3CodeOf(error) === 'BadDigest') throw corruptedOnTheWay(error)
    if (options.ifAbsent && isUnanswered(error)) throw await existsOr(error, s3, key, options)
    throw error
  }
}

/**
 * A store that finds the key taken answers before it has read the body, and may close the connection: who still sends sees it
 * broken, and nothing of the answer. So it is asked. @returns what to throw
 */
async function existsOr(error: unknown, s3: S3Connection, key: ObjectKey, options: CallOptions): Promise<unknown> {
  const found = await headObject(s3, key, options).catch(() => undefined)
  options.signal?.throwIfAborted()
  if (found === undefined) return error
  return new HoldfastError('ALREADY_EXISTS', `put of "${key}" in ${s3.description} failed: there is an object of this key`, {
    cause: error,
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
