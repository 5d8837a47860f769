import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { HoldfastError } from '../domain/errors.js'
import { type Crc32, type ObjectKey, parseCrc32 } from '../domain/ids.js'
import { fileSource } from '../storage/file-source.js'
import type { Upload, UploadedPart, Uploads } from '../storage/store.js'
import type { PartBuffers } from './part-buffers.js'
import type { ArtifactCopy, Complete } from './replicate-artifact.js'

/**
 * Uploads an artifact in parts of one size as its bytes come. An upload under way on the same key is found and continued:
 * a part the store holds is compared (size, CRC-32) with the local bytes and not sent again.
 * Memory: (parts in flight + 1) × part size.
 */
export async function uploadParts(copy: ArtifactCopy, key: ObjectKey, source: Readable, uploads: Uploads): Promise<Complete> {
  let upload = await uploads.find(key, copy)
  const stored = new Map((upload === undefined ? [] : await uploads.parts(upload, copy)).map((part) => [part.number, part]))
  const parts: Promise<UploadedPart>[] = []
  let number = 0
  const { buffers } = copy.limits
  for await (const { bytes, buffer: memory } of inParts(source, copy.spec.partBytes, buffers)) {
    number += 1
    if (upload === undefined && bytes.length < copy.spec.partBytes) {
      buffers.give(memory)
      return () => putSmall(copy, key)
    }
    if (number > uploads.maximumParts) throw tooLarge(copy, key, uploads)
    upload ??= await uploads.begin(key, copy)
    const part = { number, bytes, crc32: crc32Of(bytes) }
    const kept = stored.get(number)
    if (matches(kept, part)) {
      copy.count.kept(bytes.length, 1)
      parts.push(Promise.resolve(kept))
      buffers.give(memory)
    } else {
      const sending = send(copy, uploads, upload, part)
      // Also seen where all parts are awaited; but that may be hours from now, at the end of the capture.
      sending.stored.then(
        // The store has all of it: nobody reads the part any more. After a failure a connection may.
        () => buffers.give(memory),
        (error) => source.destroy(error),
      )
      parts.push(sending.stored)
      await sending.accepted
    }
  }
  if (upload === undefined) return () => putSmall(copy, key)
  const begun = upload
  const sent = await Promise.all(parts)
  return () => finish(copy, uploads, begun, sent)
}

/** Completed only when the capture has ended and the digest of the whole is known: the store compares it with its own. */
async function finish(copy: ArtifactCopy, uploads: Uploads, upload: Upload, parts: readonly UploadedPart[]): Promise<void> {
  const artifact = await copy.finished
  await uploads.complete(upload, parts, { ifAbsent: true, crc32: artifact.crc32, signal: copy.signal })
}

/** Less than a part: one request, read as it is sent. */
async function putSmall(copy: ArtifactCopy, key: ObjectKey): Promise<void> {
  await copy.finished
  await copy.limits.parts(async () => {
    const handle = await copy.source.store.growing?.openWhole(key)
    if (handle === undefined)
      throw new HoldfastError('ARTIFACT_MISSING', `${key} is not in repository ${copy.source.name} any more`)
    try {
      const source = await fileSource(handle, `${key} in ${copy.source.store.description}`)
      await copy.limits.pace(source.sizeBytes, copy.signal)
      await copy.target.store.putFrom(key, source, { ifAbsent: true, signal: copy.signal })
      copy.count.sent(source.sizeBytes)
    } finally {
      await handle.close()
    }
  })
}

interface LocalPart {
  readonly number: number
  readonly bytes: Uint8Array
  readonly crc32: Crc32
}

/** A stored part whose size and checksum are those of the local bytes. */
function matches(stored: UploadedPart | undefined, local: LocalPart): stored is UploadedPart {
  if (stored?.sizeBytes !== local.bytes.length) return false
  if (stored.crc32 !== undefined) return stored.crc32 === local.crc32
  return stored.etag.replaceAll('"', '') === createHash('md5').update(local.bytes).digest('hex')
}

/** `accepted` resolves when a slot is free, so that reading never runs ahead of the slots; `stored` when the store has the part. */
function send(copy: ArtifactCopy, uploads: Uploads, upload: Upload, part: LocalPart) {
  const accepted = Promise.withResolvers<void>()
  const stored = copy.limits.parts(async () => {
    accepted.resolve()
    copy.signal.throwIfAborted()
    await copy.limits.pace(part.bytes.length, copy.signal)
    const answer = await uploads.putPart(upload, part, copy)
    copy.count.sent(part.bytes.length)
    return answer
  })
  return { accepted: accepted.promise, stored }
}

/** Cuts a stream into parts of exactly `partBytes`, the last one shorter. Each lies in a buffer that is then the caller's. */
async function* inParts(
  source: Readable,
  partBytes: number,
  buffers: PartBuffers,
): AsyncGenerator<{ readonly bytes: Uint8Array; readonly buffer: Buffer }> {
  let buffer = buffers.take()
  let filled = 0
  for await (const chunk of source as AsyncIterable<Buffer>) {
    let offset = 0
    while (offset < chunk.length) {
      const copied = chunk.copy(buffer, filled, offset)
      filled += copied
      offset += copied
      if (filled < partBytes) continue
      yield { bytes: buffer, buffer }
      buffer = buffers.take()
      filled = 0
    }
  }
  if (filled > 0) yield { bytes: buffer.subarray(0, filled), buffer }
  else buffers.give(buffer)
}

function crc32Of(bytes: Uint8Array): Crc32 {
  return parseCrc32((crc32(bytes) >>> 0).toString(16).padStart(8, '0'))
}

function tooLarge(copy: ArtifactCopy, key: ObjectKey, uploads: Uploads): HoldfastError {
  const message = `${key} needs more than ${uploads.maximumParts} parts of ${copy.spec.partBytes} bytes`
  return new HoldfastError('STORE_INCAPABLE', message, { hint: 'set a larger partSize on the repository' })
}
