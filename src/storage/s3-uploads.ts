import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { HoldfastError } from '../domain/errors.js'
import type { ObjectKey } from '../domain/ids.js'
import { crc32FromBase64, crc32Of, crc32ToBase64 } from './crc32-forms.js'
import { completeUpload, type WholeChecksum } from './s3-complete.js'
import type { S3Connection } from './s3-connection.js'
import { s3CodeOf } from './s3-errors.js'
import { corruptedOnTheWay } from './s3-objects.js'
import { storedAs } from './s3-stored-as.js'
import type { CallOptions, Upload, UploadedPart, Uploads } from './store.js'

/** Multipart uploads: parts of 5 MiB (but for the last) to 5 GiB, at most 10,000 of them, 5 TiB together. */
export function s3Uploads(s3: S3Connection, wholeChecksum: () => WholeChecksum): Uploads {
  return {
    minimumPartBytes: 5 * 1024 * 1024,
    maximumParts: 10_000,
    begin: (key, options = {}) => begin(s3, key, wholeChecksum(), options),
    find: (key, options = {}) => find(s3, key, options),
    putPart: (upload, part, options = {}) => putPart(s3, upload, part, options),
    parts: (upload, options = {}) => listParts(s3, upload, options),
    complete: (upload, parts, options) => completeUpload(s3, upload, parts, options, wholeChecksum()),
    abort: (upload, options = {}) => abort(s3, upload, options),
    listStale: async function* (prefix, before, options = {}) {
      for await (const upload of listUploads(s3, prefix, options)) if (upload.startedAt < before) yield upload
    },
  }
}

async function begin(s3: S3Connection, key: ObjectKey, checksum: WholeChecksum, options: CallOptions): Promise<Upload> {
  const command = new CreateMultipartUploadCommand({
    Bucket: s3.options.bucket,
    Key: s3.fullKey(key),
    ...(checksum === 'sent' && { ChecksumAlgorithm: 'CRC32' as const, ChecksumType: 'FULL_OBJECT' as const }),
    ...storedAs(s3.options),
  })
  const answer = await s3.run(`beginning an upload of "${key}"`, options, (sending) => s3.client.send(command, sending))
  if (answer.UploadId === undefined) {
    throw new HoldfastError('STORE_INCAPABLE', `beginning an upload of "${key}" in ${s3.description} gave no upload id`)
  }
  return { key, id: answer.UploadId, startedAt: new Date() }
}

async function find(s3: S3Connection, key: ObjectKey, options: CallOptions): Promise<Upload | undefined> {
  let newest: Upload | undefined
  // As a prefix the key also matches longer keys.
  for await (const upload of listUploads(s3, key, options)) {
    if (upload.key === key && (newest === undefined || upload.startedAt >= newest.startedAt)) newest = upload
  }
  return newest
}

async function putPart(
  s3: S3Connection,
  upload: Upload,
  part: Parameters<Uploads['putPart']>[1],
  options: CallOptions,
): Promise<UploadedPart> {
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
    const answer = await s3.run(what, options, (sending) => s3.client.send(command, sending))
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

async function listParts(s3: S3Connection, upload: Upload, options: CallOptions): Promise<UploadedPart[]> {
  const parts: UploadedPart[] = []
  let marker: string | undefined
  do {
    const command = new ListPartsCommand({
      Bucket: s3.options.bucket,
      Key: s3.fullKey(upload.key),
      UploadId: upload.id,
      ...(marker !== undefined && { PartNumberMarker: marker }),
    })
    const page = await s3.run(`parts of "${upload.key}"`, options, (sending) => s3.client.send(command, sending))
    for (const part of page.Parts ?? []) {
      const crc32 = crc32FromBase64(part.ChecksumCRC32)
      if (part.PartNumber === undefined || part.ETag === undefined) continue
      parts.push({ number: part.PartNumber, sizeBytes: part.Size ?? 0, etag: part.ETag, ...(crc32 && { crc32 }) })
    }
    marker = page.IsTruncated ? page.NextPartNumberMarker : undefined
  } while (marker !== undefined)
  return parts.sort((a, b) => a.number - b.number)
}

async function abort(s3: S3Connection, upload: Upload, options: CallOptions): Promise<void> {
  const command = new AbortMultipartUploadCommand({
    Bucket: s3.options.bucket,
    Key: s3.fullKey(upload.key),
    UploadId: upload.id,
  })
  try {
    await s3.run(`aborting the upload of "${upload.key}"`, options, (sending) => s3.client.send(command, sending))
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'NOT_FOUND') throw error
  }
}

async function* listUploads(s3: S3Connection, prefix: string, options: CallOptions): AsyncIterable<Upload> {
  let markers: { KeyMarker: string; UploadIdMarker?: string } | undefined
  do {
    const command = new ListMultipartUploadsCommand({ Bucket: s3.options.bucket, Prefix: s3.fullKey(prefix), ...markers })
    const page = await s3.run(`uploads below "${prefix}"`, options, (sending) => s3.client.send(command, sending))
    for (const entry of page.Uploads ?? []) {
      const key = s3.ownKey(entry.Key)
      if (key && entry.UploadId !== undefined) yield { key, id: entry.UploadId, startedAt: entry.Initiated ?? new Date(0) }
    }
    const { NextKeyMarker: nextKey, NextUploadIdMarker: nextId } = page
    const goesOn = page.IsTruncated === true && nextKey !== undefined
    markers = goesOn ? { KeyMarker: nextKey, ...(nextId !== undefined && { UploadIdMarker: nextId }) } : undefined
  } while (markers)
}
