import { aadFactory, ContentType, serializeFactory } from '@aws-crypto/serialize'

/*
 * Messages of the AWS Encryption SDK, format version 2, in frames, not signed. The SDK's own streams cost three times the processor
 * time of the cipher; its building blocks are used here, and its keyrings.
 * https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/message-format.html
 */

const fromUtf8 = (text: string): Buffer => Buffer.from(text, 'utf8')

export const serialization = serializeFactory(fromUtf8, { utf8Sorting: true })

const { messageAAD, messageAADContentString } = aadFactory(fromUtf8)

export type FrameKind = 'regular' | 'final'

/** What the tag of a frame covers besides its content. */
export function frameAad(messageId: Uint8Array, kind: FrameKind, sequence: number, sizeBytes: number): Buffer {
  const what = messageAADContentString({ contentType: ContentType.FRAMED_DATA, isFinalFrame: kind === 'final' })
  return Buffer.from(messageAAD(messageId, what, sequence, sizeBytes))
}
