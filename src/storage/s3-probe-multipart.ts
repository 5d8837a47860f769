import type { ObjectKey } from '../domain/ids.js'
import { crc32Of } from './crc32-forms.js'
import type { S3Connection } from './s3-connection.js'
import { headObject } from './s3-objects.js'
import { probeContent, probeKey, thenTidy } from './s3-probe-objects.js'
import { succeeds } from './s3-refusal.js'
import { s3Uploads } from './s3-uploads.js'
import { settledChecksum, type WholeChecksum } from './s3-whole-checksum.js'
import type { CallOptions } from './store.js'

/** Tries out one small upload, and a second one where the first was refused. What is left at the key is the caller's to remove. */
export async function probeMultipart(
  s3: S3Connection,
  key: ObjectKey,
  call: CallOptions,
): Promise<'with-crc32' | 'without-crc32' | 'absent'> {
  const uploads = s3Uploads(s3, settledChecksum('sent'))
  if (await succeeds(uploadOnce(s3, key, call, 'sent'))) {
    const expected = crc32Of(probeContent)
    const info = await headObject(s3, key, call)
    // A store may take any checksum without a look; one that accepts a wrong one does not compute them.
    return info?.crc32 === expected ? 'with-crc32' : 'without-crc32'
  }
  for await (const upload of uploads.listStale(key, new Date(Date.now() + 86_400_000), call)) await uploads.abort(upload, call)
  return (await succeeds(uploadOnce(s3, key, call, 'unknown-to-the-store'))) ? 'without-crc32' : 'absent'
}

/** The same for the one question alone. Up to fifteen requests, so it is asked where there is doubt. */
export function probeWholeChecksum(s3: S3Connection, call: CallOptions): Promise<WholeChecksum> {
  const key = probeKey()
  return thenTidy(s3, [key], call, async () =>
    (await probeMultipart(s3, key, call)) === 'with-crc32' ? 'sent' : 'unknown-to-the-store',
  )
}

async function uploadOnce(s3: S3Connection, key: ObjectKey, call: CallOptions, checksum: WholeChecksum): Promise<void> {
  const uploads = s3Uploads(s3, settledChecksum(checksum))
  // Every copy looks for an upload to go on with before it begins one.
  await uploads.find(key, call)
  const upload = await uploads.begin(key, call)
  try {
    await uploads.putPart(upload, { number: 1, bytes: probeContent, crc32: crc32Of(probeContent) }, call)
    const parts = await uploads.parts(upload, call)
    await uploads.complete(upload, parts, { ...call, ifAbsent: false, crc32: crc32Of(probeContent) })
  } finally {
    await uploads.abort(upload, call)
  }
}
