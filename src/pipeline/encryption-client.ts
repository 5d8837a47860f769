import {
  AlgorithmSuiteIdentifier,
  buildClient,
  CommitmentPolicy,
  RawAesKeyringNode,
  RawAesWrappingSuiteIdentifier,
} from '@aws-crypto/client-node'
import type { EncryptionKey } from '../domain/keys.js'

/** AES-256-GCM with HKDF-SHA512 and key commitment, not signed: suite 0x0478 of the AWS Encryption SDK. */
export const suiteId = AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY

export const keyNamespace = 'holdfast'

/** One key per message is all we write, and all a header may make us parse. */
export function createEncryptionClient(): ReturnType<typeof buildClient> {
  return buildClient({ commitmentPolicy: CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT, maxEncryptedDataKeys: 1 })
}

/** A raw AES keyring of one key, whose name in the message is the key's id. */
export function createKeyring(key: EncryptionKey): RawAesKeyringNode {
  return new RawAesKeyringNode({
    keyName: key.id,
    keyNamespace,
    // A copy: the keyring insists on bytes whose memory is its own.
    unencryptedMasterKey: Uint8Array.from(key.bytes),
    wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
    utf8Sorting: true,
  })
}
