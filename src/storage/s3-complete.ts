import { CompleteMultipartUploadCommand } from '@aws-sdk/client-s3'
import { HoldfastError } from '../domain/errors.js'
import type { Crc32 } from '../domain/ids.js'
import { crc32ToBase64 } from './crc32-forms.js'
import { retryConflicts } from './s3-conflict.js'
import type { S3Connection } from './s3-connection.js'
import { s3CodeOf } from './s3-errors.js'
import { headObject } from './s3-objects.js'
import type { WholeChecksum } from './s3-whole-checksum.js'
import type { CallOptions, ObjectInfo, Upload, UploadedPart } from './store.js'

type CompleteOptions = CallOptions & { ifAbsent: boolean; crc32: Crc32 }

/**
 * Makes the object of its parts. An answer may be lost after the store has done it: the SDK's next try then finds no upload, or
 * the object. What is there with our size and CRC-32 is ours; of a store that keeps none, what has our size: whoever needs to know
 * more reads it again.
 */
export async function completeUpload(
  s3: S3Connection,
  upload: Upload,
  parts: readonly UploadedPart[],
  options: CompleteOptions,
  checksum: WholeChecksum,
): Promise<ObjectInfo> {
  const command = completeCommand(s3, upload, parts, options, checksum)
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0)
  try {
    await retryConflicts(s3.options.maxAttempts, options, () =>
      s3.run(`completing the upload of "${upload.key}"`, options, (sending) => s3.client.send(command, sending)),
    )
  } catch (error) {
    if (!mayHaveSucceeded(error)) throw error
    const there = await headObject(s3, upload.key, options)
    if (there === undefined || !isOurs(there, sizeBytes, options)) throw error
    return there
  }
  return confirm(s3, upload, sizeBytes, options)
}

function completeCommand(
  s3: S3Connection,
  upload: Upload,
  parts: readonly UploadedPart[],
  options: CompleteOptions,
  checksum: WholeChecksum,
): CompleteMultipartUploadCommand {
  const described = parts.map((part) => ({
    PartNumber: part.number,
    ETag: part.etag,
    ...(checksum === 'sent' && part.crc32 && { ChecksumCRC32: crc32ToBase64(part.crc32) }),
  }))
  return new CompleteMultipartUploadCommand({
    Bucket: s3.options.bucket,
    Key: s3.fullKey(upload.key),
    UploadId: upload.id,
    MultipartUpload: { Parts: described },
    ...(checksum === 'sent' && { ChecksumCRC32: crc32ToBase64(options.crc32), ChecksumType: 'FULL_OBJECT' as const }),
    ...(options.ifAbsent && { IfNoneMatch: '*' }),
  })
}

function mayHaveSucceeded(error: unknown): boolean {
  if (s3CodeOf(error) === 'NoSuchUpload') return true
  const repeated = error instanceof HoldfastError && Number(error.details.attempts) > 1
  return repeated && error.code === 'ALREADY_EXISTS'
}

// The answer says neither size nor time; asking for them also shows that the object is there, whole.
async function confirm(s3: S3Connection, upload: Upload, sizeBytes: number, options: CompleteOptions): Promise<ObjectInfo> {
  const info = await headObject(s3, upload.key, options)
  if (info !== undefined && isOurs(info, sizeBytes, options)) return info
  throw new HoldfastError('ARTIFACT_DAMAGED', `"${upload.key}" in ${s3.description} is not what was uploaded`, {
    hint: 'something else writes below this prefix, or the store is damaged; do not use this copy',
    details: { expectedBytes: sizeBytes, foundBytes: info?.sizeBytes ?? null, foundCrc32: info?.crc32 ?? null },
  })
}

function isOurs(found: ObjectInfo, sizeBytes: number, { crc32 }: CompleteOptions): boolean {
  return found.sizeBytes === sizeBytes && (found.crc32 ?? crc32) === crc32
}
