import { type EncryptedDataKey, KeyringNode, type NodeDecryptionMaterial } from '@aws-crypto/material-management-node'
import { HoldfastError } from '../domain/errors.js'
import type { KeyRing } from '../domain/keys.js'
import { createKeyring, keyNamespace } from './encryption-suite.js'

/**
 * Chooses the key a message names, after it has checked what the message says it is. A class because the SDK's keyrings are.
 * The SDK's own raw keyring takes any key whose name begins like the wanted one, and answers an unknown one with "no key".
 */
export class KeyRingKeyring extends KeyringNode {
  readonly #keys: KeyRing
  readonly #context: Readonly<Record<string, string>>

  constructor(keys: KeyRing, context: Readonly<Record<string, string>>) {
    super()
    this.#keys = keys
    this.#context = context
  }

  override async _onEncrypt(): Promise<never> {
    throw new HoldfastError('INTERNAL', 'this keyring only decrypts')
  }

  override async _onDecrypt(material: NodeDecryptionMaterial, dataKeys: EncryptedDataKey[]): Promise<NodeDecryptionMaterial> {
    demandContext(material.encryptionContext, this.#context)
    const id = keyIdOf(dataKeys)
    const key = this.#keys.find(id)
    if (key === undefined) {
      throw new HoldfastError('KEY_MISSING', `the key "${id}" is not configured, and an artifact was encrypted with it`, {
        details: { keyId: id },
      })
    }
    // A keyring that opens nothing says nothing, so that others can be asked.
    const opened = await createKeyring(key).onDecrypt(material, dataKeys)
    if (opened.hasValidKey()) return opened
    throw new HoldfastError('ARTIFACT_DAMAGED', `the key "${id}" does not open the message`, {
      hint: `check that "${id}" is still the key it was; if it is, the artifact is damaged: restore from another repository`,
      details: { keyId: id },
    })
  }
}

/** The stored context must contain the wanted one: else the object is another one, put in its place. */
function demandContext(stored: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): void {
  if (Object.entries(wanted).every(([name, value]) => stored[name] === value)) return
  const [is, shouldBe] = [describeContext(stored), describeContext(wanted)]
  throw new HoldfastError('ARTIFACT_DAMAGED', `an artifact is not the one it should be: it says ${is}, wanted is ${shouldBe}`, {
    details: { stored: is, wanted: shouldBe },
  })
}

function describeContext(context: Readonly<Record<string, string>>): string {
  const entries = Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(' ')
}

/** Raw AES: the key's name, then 4 bytes of tag length, 4 of IV length and the IV of 12. */
function keyIdOf(dataKeys: readonly EncryptedDataKey[]): string {
  const dataKey = dataKeys[0]
  if (dataKey?.providerId !== keyNamespace || dataKey.rawInfo === undefined) {
    throw new HoldfastError('ARTIFACT_DAMAGED', 'an encrypted artifact names no key of Holdfast')
  }
  const wrappingBytes = 20
  const { rawInfo } = dataKey
  return Buffer.from(rawInfo)
    .subarray(0, Math.max(0, rawInfo.length - wrappingBytes))
    .toString('utf8')
}
