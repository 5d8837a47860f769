import { HoldfastError } from '../domain/errors.js'
import type { EncryptionKey, KeyRing } from '../domain/keys.js'
import type { Config } from './config.js'
import { type Environment, resolveSecret } from './resolve-secret.js'

/**
 * Reads every key of the configuration; `active` is undefined where encryption is off. A key that cannot be read fails all, old ones
 * included: better now than when the backup made with it has to be restored.
 * @throws HoldfastError SECRET_MISSING; CONFIG_INVALID for what is not 32 bytes in base64, base64url or hex
 */
export async function resolveKeyRing({ encryption }: Pick<Config, 'encryption'>, env: Environment): Promise<KeyRing> {
  if (encryption.kind === 'off') return { active: undefined, find: () => undefined }
  const keys = new Map<string, EncryptionKey>()
  for (const [id, reference] of Object.entries(encryption.keys)) {
    const secret = await resolveSecret(reference, env)
    keys.set(id, { id, bytes: decodeKey(secret.reveal().trim(), id) })
  }
  const active = keys.get(encryption.activeKey)
  if (active === undefined) throw new HoldfastError('KEY_MISSING', `the active key "${encryption.activeKey}" is not configured`)
  return { active, find: (id) => keys.get(id) }
}

function decodeKey(text: string, id: string): Uint8Array {
  const encoding = encodings.find(({ pattern }) => pattern.test(text))?.name
  const bytes = encoding === undefined ? undefined : Buffer.from(text, encoding)
  if (bytes?.length === 32) return new Uint8Array(bytes)
  // Neither the content nor its length is told: both narrow down what the key is.
  throw new HoldfastError('CONFIG_INVALID', `encryption.keys."${id}" does not hold 32 bytes in base64 or hex`, {
    hint: 'make a key with `openssl rand -base64 32`',
  })
}

const encodings = [
  { name: 'hex', pattern: /^[0-9a-fA-F]{64}$/ },
  { name: 'base64', pattern: /^[A-Za-z0-9+/]{43}=$/ },
  { name: 'base64url', pattern: /^[A-Za-z0-9_-]{43}=?$/ },
] as const
