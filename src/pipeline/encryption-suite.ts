import { AlgorithmSuiteIdentifier, NodeAlgorithmSuite } from '@aws-crypto/material-management-node'
import { RawAesKeyringNode, RawAesWrappingSuiteIdentifier } from '@aws-crypto/raw-aes-keyring-node'
import type { EncryptionKey } from '../domain/keys.js'

/** AES-256-GCM with HKDF-SHA512 and key commitment, not signed: 0x0478 of the AWS Encryption SDK. We write and read no other. */
export const suite = new NodeAlgorithmSuite(AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY)

export const ivBytes = 12
export const tagBytes = 16

export const keyNamespace = 'holdfast'

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
