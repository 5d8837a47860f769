import { AbortMultipartUploadCommand, CreateMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import { HoldfastError } from '../domain/errors.js'
import type { ObjectKey } from '../domain/ids.js'
import { completeUpload } from './s3-complete.js'
import type { S3Connection } from './s3-connection.js'
import { nextPage } from './s3-pages.js'
import { listParts, putPart } from './s3-parts.js'
import { storedAs } from './s3-stored-as.js'
import { asTheStoreCan, type ChecksumKnowledge, type WholeChecksum } from './s3-whole-checksum.js'
import type { CallOptions, Upload, Uploads } from './store.js'

/** Multipart uploads: parts of 5 MiB (but for the last) to 5 GiB, at most 10,000 of them, 5 TiB together. */
export function s3Uploads(s3: S3Connection, wholeChecksum: ChecksumKnowledge): Uploads {
  return {
    minimumPartBytes: 5 * 1024 * 1024,
    maximumParts: 10_000,
    begin: (key, options = {}) => begin(s3, key, wholeChecksum, options),
    find: (key, options = {}) => find(s3, key, options),
    putPart: (upload, part, options = {}) => putPart(s3, upload, part, options),
    parts: (upload, options = {}) => listParts(s3, upload, options),
    complete: (upload, parts, options) =>
      asTheStoreCan(wholeChecksum, options, (checksum) => completeUpload(s3, upload, parts, options, checksum)),
    abort: (upload, options = {}) => abort(s3, upload, options),
    listStale: async function* (prefix, before, options = {}) {
      for await (const upload of listUploads(s3, prefix, options)) if (upload.startedAt < before) yield upload
    },
  }
}

async function begin(s3: S3Connection, key: ObjectKey, knowledge: ChecksumKnowledge, options: CallOptions): Promise<Upload> {
  const begun = await asTheStoreCan(knowledge, options, (checksum) => create(s3, key, checksum, options))
  // A store that does not repeat the type may have passed over it, and would refuse the upload when all of it is sent.
  if (begun.type !== 'passed over' || (await knowledge.learn(options)) === 'sent') return begun.upload
  await abort(s3, begun.upload, options)
  return (await create(s3, key, 'unknown-to-the-store', options)).upload
}

async function create(
  s3: S3Connection,
  key: ObjectKey,
  checksum: WholeChecksum,
  options: CallOptions,
): Promise<{ readonly upload: Upload; readonly type: 'not asked for' | 'confirmed' | 'passed over' }> {
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
  const upload = { key, id: answer.UploadId, startedAt: new Date() }
  if (checksum !== 'sent') return { upload, type: 'not asked for' }
  return { upload, type: answer.ChecksumType === 'FULL_OBJECT' ? 'confirmed' : 'passed over' }
}

async function find(s3: S3Connection, key: ObjectKey, options: CallOptions): Promise<Upload | undefined> {
  let newest: Upload | undefined
  // As a prefix the key also matches longer keys.
  for await (const upload of listUploads(s3, key, options)) {
    if (upload.key === key && (newest === undefined || upload.startedAt >= newest.startedAt)) newest = upload
  }
  return newest
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
  const what = `uploads below "${prefix}"`
  let markers: { KeyMarker: string; UploadIdMarker?: string } | undefined
  do {
    const command = new ListMultipartUploadsCommand({ Bucket: s3.options.bucket, Prefix: s3.fullKey(prefix), ...markers })
    const page = await s3.run(what, options, (sending) => s3.client.send(command, sending))
    for (const entry of page.Uploads ?? []) {
      const key = s3.ownKey(entry.Key)
      if (key && entry.UploadId !== undefined) yield { key, id: entry.UploadId, startedAt: entry.Initiated ?? new Date(0) }
    }
    const nextKey = nextPage(s3, what, page, page.NextKeyMarker)
    const nextId = page.NextUploadIdMarker
    markers = nextKey === undefined ? undefined : { KeyMarker: nextKey, ...(nextId !== undefined && { UploadIdMarker: nextId }) }
  } while (markers)
}
