import { HoldfastError } from '../domain/errors.js'
import type { Step } from './scanner.js'

const messageVersion = 2
const messageIdBytes = 32
const committedKeyBytes = 32
const frameSequenceBytes = 4
const ivBytes = 12
const tagBytes = 16
const finalFrameMark = 0xffffffff
const framed = 2

/**
 * One message of the AWS Encryption SDK, format version 2, framed, not signed: where it ends, not what it holds.
 * https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/message-format.html
 */
export function* encryptedMessage(): Generator<Step, void, Buffer> {
  const version = (yield { take: 1 }).readUInt8()
  if (version !== messageVersion) throw damaged('it does not begin like an encrypted message')
  const suiteBytes = 2
  yield { skip: suiteBytes + messageIdBytes }
  yield* sized()
  const dataKeys = (yield { take: 2 }).readUInt16BE()
  for (let index = 0; index < dataKeys; index++) {
    yield* sized()
    yield* sized()
    yield* sized()
  }
  if ((yield { take: 1 }).readUInt8() !== framed) throw damaged('its body is not in frames')
  const frameBytes = (yield { take: 4 }).readUInt32BE()
  yield { skip: committedKeyBytes + tagBytes }

  while ((yield { take: frameSequenceBytes }).readUInt32BE() !== finalFrameMark) {
    yield { skip: ivBytes + frameBytes + tagBytes }
  }
  yield { skip: frameSequenceBytes + ivBytes }
  const finalBytes = (yield { take: 4 }).readUInt32BE()
  yield { skip: finalBytes + tagBytes }
}

function* sized(): Generator<Step, void, Buffer> {
  const size = (yield { take: 2 }).readUInt16BE()
  yield { skip: size }
}

function damaged(why: string): HoldfastError {
  return new HoldfastError('ARTIFACT_DAMAGED', `an encrypted artifact is damaged: ${why}`)
}
