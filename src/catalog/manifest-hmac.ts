import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { canonicalJson } from '../domain/canonical-json.js'
import type { EncryptionKey } from '../domain/keys.js'
import type { Manifest } from '../domain/manifest.js'

/** Proof that a manifest was written by somebody who has the key. `value`: 64 hex digits. */
export interface ManifestHmac {
  readonly algorithm: 'HMAC-SHA-256'
  readonly keyId: string
  readonly value: string
}

/** Over the canonical JSON of the manifest without its `hmac` member. */
export function hmacOf(manifest: Manifest, key: EncryptionKey): ManifestHmac {
  const value = createHmac('sha256', signingKeyFrom(key)).update(canonicalJson(manifest), 'utf8').digest('hex')
  return { algorithm: 'HMAC-SHA-256', keyId: key.id, value }
}

export function hmacMatches(manifest: Manifest, hmac: ManifestHmac, key: EncryptionKey): boolean {
  const expected = Buffer.from(hmacOf(manifest, key).value, 'hex')
  const found = Buffer.from(hmac.value, 'hex')
  return found.length === expected.length && timingSafeEqual(found, expected)
}

// A key of its own, so that nothing made for encryption can ever serve as a signature or the other way round.
function signingKeyFrom(key: EncryptionKey): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key.bytes, new Uint8Array(0), 'holdfast manifest v1', 32))
}
