import { setTimeout as pause } from 'node:timers/promises'
import { ListPartsCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import { HoldfastError, isRetryable } from '../domain/errors.js'
import { crc32FromBase64, crc32Of, crc32ToBase64 } from './crc32-forms.js'
import type { S3Connection } from './s3-connection.js'
import { s3CodeOf } from './s3-errors.js'
import { nextPage } from './s3-pages.js'
import { corruptedOnTheWay } from './s3-put.js'
import type { CallOptions, Upload, UploadedPart, Uploads } from './store.js'

type Part = Parameters<Uploads['putPart']>[1]

/**
 * Sends one part. A request that failed may have come to its end at the store, only its answer lost; so before it is repeated the
 * store is asked, and a part it holds is not sent again. That is why the SDK does not repeat this one.
 */
export async function putPart(s3: S3Connection, upload: Upload, part: Part, options: CallOptions): Promise<UploadedPart> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await sendPart(s3, upload, part, options)
    } catch (error) {
      const mayPass = error instanceof HoldfastError && isRetryable(error.code)
      if (options.signal?.aborted || !mayPass || attempt >= s3.options.maxAttempts) throw error
    }
    await pause(100 * 2 ** attempt * (0.5 + Math.random() / 2), undefined, options)
    const stored = await findPart(s3, upload, part, options)
    if (stored !== undefined) return stored
  }
}

/** All parts stored, ordered by number. */
export async function listParts(s3: S3Connection, upload: Upload, options: CallOptions): Promise<UploadedPart[]> {
  const parts: UploadedPart[] = []
  let marker: string | undefined
  do {
    const page = await listPage(s3, upload, marker === undefined ? {} : { PartNumberMarker: marker }, options)
    parts.push(...page.parts)
    marker = page.next
  } while (marker !== undefined)
  return parts.sort((a, b) => a.number - b.number)
}

async function sendPart(s3: S3Connection, upload: Upload, part: Part, options: CallOptions): Promise<UploadedPart> {
  const command = new UploadPartCommand({
    Bucket: s3.options.bucket,
    Key: s3.fullKey(upload.key),
    UploadId: upload.id,
    PartNumber: part.number,
    Body: part.bytes,
    ContentLength: part.bytes.length,
    ChecksumCRC32: crc32ToBase64(part.crc32),
  })
  const what = `part ${part.number} of "${upload.key}"`
  try {
    const answer = await s3.run(what, options, (sending) => s3.onceClient.send(command, sending))
    if (answer.ETag !== undefined) {
      return { number: part.number, sizeBytes: part.bytes.length, etag: answer.ETag, crc32: part.crc32 }
    }
  } catch (error) {
    // Refused although the caller's digest is right: the network did it. Otherwise our own memory or disk did.
    if (s3CodeOf(error) === 'BadDigest' && crc32Of(part.bytes) === part.crc32) throw corruptedOnTheWay(error)
    throw error
  }
  throw new HoldfastError('STORE_INCAPABLE', `${what} in ${s3.description} was stored without an ETag`)
}

/** A part the store holds, if size and CRC-32 are ours. Where it keeps no CRC-32 nothing is said, and the part is sent again. */
async function findPart(s3: S3Connection, upload: Upload, part: Part, options: CallOptions): Promise<UploadedPart | undefined> {
  const before = part.number === 1 ? {} : { PartNumberMarker: String(part.number - 1) }
  const { parts } = await listPage(s3, upload, { ...before, MaxParts: 1 }, options)
  return parts.find(
    ({ number, sizeBytes, crc32 }) => number === part.number && sizeBytes === part.bytes.length && crc32 === part.crc32,
  )
}

async function listPage(
  s3: S3Connection,
  upload: Upload,
  page: { readonly PartNumberMarker?: string; readonly MaxParts?: number },
  options: CallOptions,
): Promise<{ readonly parts: readonly UploadedPart[]; readonly next: string | undefined }> {
  const command = new ListPartsCommand({
    Bucket: s3.options.bucket,
    Key: s3.fullKey(upload.key),
    UploadId: upload.id,
    ...page,
  })
  const what = `parts of "${upload.key}"`
  const answer = await s3.run(what, options, (sending) => s3.client.send(command, sending))
  const parts: UploadedPart[] = []
  for (const { PartNumber: number, ETag: etag, Size: sizeBytes = 0, ChecksumCRC32: checksum } of answer.Parts ?? []) {
    const crc32 = crc32FromBase64(checksum)
    if (number !== undefined && etag !== undefined) parts.push({ number, sizeBytes, etag, ...(crc32 && { crc32 }) })
  }
  return { parts, next: nextPage(s3, what, answer, answer.NextPartNumberMarker) }
}
