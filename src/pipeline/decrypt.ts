import { Duplex } from 'node:stream'
import {
  type GetDecipher,
  getDecryptionHelper,
  NodeDefaultCryptographicMaterialsManager,
} from '@aws-crypto/material-management-node'
import { SequenceIdentifier } from '@aws-crypto/serialize'
import type { KeyRing } from '../domain/keys.js'
import { createByteReader } from './byte-reader.js'
import { asDamage, damaged } from './damaged-message.js'
import { ivBytes, suite, tagBytes } from './encryption-suite.js'
import { KeyRingKeyring } from './key-ring-keyring.js'
import { type FrameKind, frameAad, serialization } from './message-format.js'
import { type MessageHeader, readHeader } from './message-header.js'

export interface DecryptOptions {
  readonly keys: KeyRing
  /** The stored context has to contain all of it. */
  readonly context: Readonly<Record<string, string>>
}

/**
 * Decrypts what {@link encrypt} wrote. Each frame (1 MiB) is checked before any of it is passed on, so what comes out is always a
 * true beginning of the plaintext; but only the end of the stream says that it was all. Holds two frames.
 * Fails with KEY_MISSING naming the key, or ARTIFACT_DAMAGED: altered, cut short, longer than it was, another context.
 */
export function decrypt(options: DecryptOptions): Duplex {
  return Duplex.from((source: AsyncIterable<Buffer>) => decryptMessage(source, options))
}

async function* decryptMessage(source: AsyncIterable<Buffer>, options: DecryptOptions): AsyncGenerator<Buffer> {
  const input = createByteReader(source)
  const take = async (length: number): Promise<Buffer> => {
    const bytes = await input.upTo(length)
    if (bytes.length < length) throw damaged('it ends early')
    return bytes
  }
  const message = await openMessage(await readHeader(take), options)
  try {
    let kind: FrameKind = 'regular'
    for (let sequence = 1; kind === 'regular'; sequence += 1) {
      const mark = (await take(4)).readUInt32BE()
      kind = mark === SequenceIdentifier.SEQUENCE_NUMBER_END ? 'final' : 'regular'
      const number = kind === 'final' ? (await take(4)).readUInt32BE() : mark
      // None is left out, repeated, or in the place of another.
      if (number !== sequence) throw damaged(`frame ${sequence} has the number ${number}`)
      const iv = Buffer.from(await take(ivBytes))
      const size = kind === 'final' ? (await take(4)).readUInt32BE() : message.frameBytes
      if (size > message.frameBytes) throw damaged(`its final frame has ${size} bytes`)
      const content = message.openFrame(kind, sequence, iv, await take(size + tagBytes))
      if (content.length > 0) yield content
    }
  } finally {
    message.dispose()
  }
  if ((await input.upTo(1)).length > 0) throw damaged('there are bytes behind its end')
}

interface Message {
  readonly frameBytes: number
  /** @param sealed the content and its tag */
  openFrame(kind: FrameKind, sequence: number, iv: Buffer, sealed: Buffer): Buffer
  dispose(): void
}

/** Unwraps the data key, and checks the key commitment and the header's tag before any frame is looked at. */
async function openMessage(header: MessageHeader, { keys, context }: DecryptOptions): Promise<Message> {
  const { messageId, frameBytes, dataKey, commitment } = header
  const manager = new NodeDefaultCryptographicMaterialsManager(new KeyRingKeyring(keys, context))
  const request = { suite, encryptionContext: header.context, encryptedDataKeys: [dataKey] }
  try {
    const { getDecipherInfo, dispose } = getDecryptionHelper(await manager.decryptMaterials(request))
    const getDecipher = getDecipherInfo(messageId, commitment)
    unseal(getDecipher(serialization.headerAuthIv(ivBytes)), header.covered, Buffer.alloc(0), header.tag)
    return { frameBytes, dispose, openFrame: openFrames(messageId, getDecipher) }
  } catch (error) {
    throw asDamage(error)
  }
}

function openFrames(messageId: Buffer, getDecipher: GetDecipher): Message['openFrame'] {
  return (kind, sequence, iv, sealed) => {
    const [content, tag] = [sealed.subarray(0, -tagBytes), sealed.subarray(-tagBytes)]
    try {
      return unseal(getDecipher(iv), frameAad(messageId, kind, sequence, content.length), content, tag)
    } catch (error) {
      throw asDamage(error)
    }
  }
}

/** @throws when any bit of content, tag, IV or AAD is not as it was sealed */
function unseal(decipher: ReturnType<GetDecipher>, aad: Buffer, content: Buffer, tag: Buffer): Buffer {
  const plain = decipher.setAAD(aad).setAuthTag(tag).update(content)
  decipher.final()
  return plain
}
