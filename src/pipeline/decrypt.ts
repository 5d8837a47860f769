import type { Duplex } from 'node:stream'
import { HoldfastError } from '../domain/errors.js'
import type { KeyRing } from '../domain/keys.js'
import { chainStages } from './chain-stages.js'
import { encryptedMessage } from './encrypted-message.js'
import { createEncryptionClient } from './encryption-client.js'
import { KeyRingKeyring } from './key-ring-keyring.js'
import { oneMessage } from './one-message.js'

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
  // The SDK ignores what follows the end of a message, and keeps it all in memory; the first stage refuses it.
  const whole = oneMessage(encryptedMessage, 'an encrypted artifact')
  // "Unsigned": signed suites would release plaintext before their signature is seen; ours has none.
  const decryption = createEncryptionClient().decryptUnsignedMessageStream(new KeyRingKeyring(options.keys, options.context))
  return chainStages({ first: whole, last: decryption, explain, whenDestroyed: 'destroy' })
}

function explain(error: Error): Error {
  if (error instanceof HoldfastError) return error
  return new HoldfastError('ARTIFACT_DAMAGED', `an encrypted artifact is damaged: ${error.message}`, { cause: error })
}
