import { EncryptedDataKey, MessageFormat, NodeAlgorithmSuite } from '@aws-crypto/material-management-node'
import { ContentType, deserializeFactory, MessageIdLength } from '@aws-crypto/serialize'
import { damaged } from './damaged-message.js'
import { suite, tagBytes } from './encryption-suite.js'

/** What a message says of itself before its frames. Not to be believed before its tag was checked. */
export interface MessageHeader {
  readonly messageId: Buffer
  readonly context: Readonly<Record<string, string>>
  readonly dataKey: EncryptedDataKey
  readonly frameBytes: number
  readonly commitment: Buffer
  /** All bytes of it but the tag, which covers them. */
  readonly covered: Buffer
  readonly tag: Buffer
}

/** Larger frames than this we would have to hold whole before any of them could be trusted. */
const largestFrameBytes = 16 * 1024 * 1024

/**
 * Reads the header of a message: of our suite, framed, with one data key, which is all we write.
 * @param take resolves with exactly so many bytes
 * @throws HoldfastError ARTIFACT_DAMAGED; what `take` throws
 */
export async function readHeader(take: (length: number) => Promise<Buffer>): Promise<MessageHeader> {
  const pieces: Buffer[] = []
  const next = async (length: number) => {
    const piece = Buffer.from(await take(length))
    pieces.push(piece)
    return piece
  }
  const number = async (bytes: number) => (await next(bytes)).readUIntBE(0, bytes)
  const sized = async () => next(await number(2))

  insist((await number(1)) === MessageFormat.V2, 'it does not begin like an encrypted message')
  insist((await number(2)) === suite.id, 'it is encrypted by another algorithm than ours')
  const messageId = await next(MessageIdLength.V2)
  const context = toContext(await sized())
  insist((await number(2)) === 1, 'it has not one data key')
  const dataKey = toDataKey(await sized(), await sized(), await sized())
  insist((await number(1)) === ContentType.FRAMED_DATA, 'its body is not in frames')
  const frameBytes = await number(4)
  insist(frameBytes > 0 && frameBytes <= largestFrameBytes, `its frames have ${frameBytes} bytes`)
  const commitment = await next(commitmentBytes)
  const covered = Buffer.concat(pieces)
  return { messageId, context, dataKey, frameBytes, commitment, covered, tag: Buffer.from(await take(tagBytes)) }
}

const commitmentBytes = 32

const toUtf8 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')

const { decodeEncryptionContext } = deserializeFactory(toUtf8, NodeAlgorithmSuite)

function toDataKey(provider: Buffer, info: Buffer, key: Buffer): EncryptedDataKey {
  return new EncryptedDataKey({
    providerId: toUtf8(provider),
    providerInfo: toUtf8(info),
    rawInfo: Uint8Array.from(info),
    encryptedDataKey: Uint8Array.from(key),
  })
}

function toContext(bytes: Buffer): Readonly<Record<string, string>> {
  try {
    return decodeEncryptionContext(bytes)
  } catch (cause) {
    throw damaged('its encryption context cannot be read', cause)
  }
}

function insist(condition: boolean, otherwise: string): void {
  if (!condition) throw damaged(otherwise)
}
