import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { canonicalJson } from '../domain/canonical-json.js'
import type { EncryptionKey } from '../domain/keys.js'

/** Proof that a document was written by somebody who has the key. `value`: 64 hex digits. */
export interface DocumentHmac {
  readonly algorithm: 'HMAC-SHA-256'
  readonly keyId: string
  readonly value: string
}

/** What a document is; each has a signing key of its own, so that none can pass for another. */
export type DocumentKind = 'manifest' | 'mark'

/** Over the canonical JSON of the document without its `hmac` member. */
export function hmacOf(kind: DocumentKind, document: object, key: EncryptionKey): DocumentHmac {
  const value = createHmac('sha256', signingKeyFrom(kind, key)).update(canonicalJson(document), 'utf8').digest('hex')
  return { algorithm: 'HMAC-SHA-256', keyId: key.id, value }
}

export function hmacMatches(kind: DocumentKind, document: object, hmac: DocumentHmac, key: EncryptionKey): boolean {
  const expected = Buffer.from(hmacOf(kind, document, key).value, 'hex')
  const found = Buffer.from(hmac.value, 'hex')
  return found.length === expected.length && timingSafeEqual(found, expected)
}

// A key of its own, so that nothing made for encryption can ever serve as a signature or the other way round.
function signingKeyFrom(kind: DocumentKind, key: EncryptionKey): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key.bytes, new Uint8Array(0), `holdfast ${kind} v1`, 32))
}
