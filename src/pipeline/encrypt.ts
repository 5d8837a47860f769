import { randomBytes } from 'node:crypto'
import { Duplex } from 'node:stream'
import {
  CommitmentPolicy,
  type GetCipher,
  getEncryptHelper,
  NodeDefaultCryptographicMaterialsManager,
} from '@aws-crypto/material-management-node'
import { MessageIdLength } from '@aws-crypto/serialize'
import type { EncryptionKey } from '../domain/keys.js'
import { createByteReader } from './byte-reader.js'
import { chunkBytes } from './chunk-size.js'
import { createKeyring, ivBytes, suite } from './encryption-suite.js'
import { type FrameKind, frameAad, serialization } from './message-format.js'

export interface EncryptOptions {
  readonly key: EncryptionKey
  /** Says what the bytes are; readable by anyone, and demanded again by whoever decrypts. */
  readonly context: Readonly<Record<string, string>>
}

/** Encrypts to one message of the AWS Encryption SDK, in frames of 1 MiB. Holds two frames. */
export function encrypt(options: EncryptOptions): Duplex {
  return Duplex.from((source: AsyncIterable<Buffer>) => encryptMessage(source, options))
}

/** Frames that are full are regular ones; what is left at the end, perhaps nothing, is the final one. */
async function* encryptMessage(source: AsyncIterable<Buffer>, options: EncryptOptions): AsyncGenerator<Buffer> {
  const message = await beginMessage(options)
  try {
    yield message.header
    const input = createByteReader(source)
    let kind: FrameKind = 'regular'
    for (let sequence = 1; kind === 'regular'; sequence += 1) {
      const content = await input.upTo(chunkBytes)
      kind = content.length < chunkBytes ? 'final' : 'regular'
      yield* sealFrame(message, kind, sequence, content)
    }
  } finally {
    message.dispose()
  }
}

interface Message {
  readonly id: Uint8Array
  /** With its tag. */
  readonly header: Buffer
  readonly getCipher: GetCipher
  dispose(): void
}

/** With a data key of its own, wrapped with ours. */
async function beginMessage({ key, context }: EncryptOptions): Promise<Message> {
  const material = await new NodeDefaultCryptographicMaterialsManager(createKeyring(key)).getEncryptionMaterials({
    suite,
    encryptionContext: { ...context },
    commitmentPolicy: CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
  })
  const { getCipherInfo, dispose } = getEncryptHelper(material)
  const messageId = randomBytes(MessageIdLength.V2)
  const { getCipher, keyCommitment } = getCipherInfo(messageId)
  const { encryptionContext, encryptedDataKeys } = material
  const parts = { suite, encryptionContext, encryptedDataKeys, messageId, frameLength: chunkBytes }
  const header = serialization.serializeMessageHeader(
    serialization.buildMessageHeader({ ...parts, ...(keyCommitment && { suiteData: keyCommitment }) }),
  )
  const authentication = getCipher(serialization.headerAuthIv(ivBytes)).setAAD(Buffer.from(header))
  authentication.final()
  return { id: messageId, header: Buffer.concat([header, authentication.getAuthTag()]), getCipher, dispose }
}

function* sealFrame(message: Message, kind: FrameKind, sequence: number, content: Buffer): Generator<Buffer> {
  const iv = serialization.frameIv(ivBytes, sequence)
  const cipher = message.getCipher(iv).setAAD(frameAad(message.id, kind, sequence, content.length))
  const sealed = cipher.update(content)
  cipher.final()
  const { frameHeader, finalFrameHeader } = serialization
  yield Buffer.from(kind === 'final' ? finalFrameHeader(sequence, iv, content.length) : frameHeader(sequence, iv))
  if (sealed.length > 0) yield sealed
  yield cipher.getAuthTag()
}
