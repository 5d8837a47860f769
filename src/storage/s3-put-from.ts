import { createHash } from 'node:crypto'
import { crc32 as addToCrc32 } from 'node:zlib'
import type { Crc32, ObjectKey } from '../domain/ids.js'
import { crc32FromNumber } from './crc32-forms.js'
import type { S3Connection } from './s3-connection.js'
import { putCommand, sendPut } from './s3-put.js'
import type { CallOptions, ObjectInfo, Source } from './store.js'

/**
 * One request, its body read as it is sent. The source is read once before, for the CRC-32 that goes along, and once for each try.
 * Holds what lies between the source and the connection.
 */
export async function putObjectFrom(
  s3: S3Connection,
  key: ObjectKey,
  source: Source,
  options: CallOptions & { ifAbsent: boolean },
): Promise<ObjectInfo> {
  const { sizeBytes } = source
  const { crc32, signed } = await digestsOf(s3, source, options)
  const { command, answeredAt } = putCommand(s3, key, { sizeBytes, crc32 }, options)
  // Put in behind the SDK's back: it can hash no stream, and sends none twice. The connection opens the source for each try.
  command.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { headers: Record<string, string>; body: unknown }
      request.headers['x-amz-content-sha256'] = signed
      request.body = source
      return next(args)
    },
    { step: 'build', name: 'putSource' },
  )
  await sendPut(s3, key, command, options)
  return { key, sizeBytes, modifiedAt: answeredAt(), crc32 }
}

interface SourceDigests {
  readonly crc32: Crc32
  /** What the signature says of the body. Over TLS nothing, as for bodies in memory. */
  readonly signed: string
}

async function digestsOf({ options }: S3Connection, source: Source, { signal }: CallOptions): Promise<SourceDigests> {
  const sha256 = options.endpoint?.startsWith('http:') ? createHash('sha256') : undefined
  let crc = 0
  for await (const piece of source.read()) {
    signal?.throwIfAborted()
    crc = addToCrc32(piece, crc)
    sha256?.update(piece)
  }
  return { crc32: crc32FromNumber(crc), signed: sha256?.digest('hex') ?? 'UNSIGNED-PAYLOAD' }
}
