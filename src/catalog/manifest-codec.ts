import { canonicalJson } from '../domain/canonical-json.js'
import { HoldfastError } from '../domain/errors.js'
import type { BackupId } from '../domain/ids.js'
import type { EncryptionKey, KeyRing } from '../domain/keys.js'
import type { Manifest } from '../domain/manifest.js'
import { manifestLimitBytes } from '../domain/manifest-limits.js'
import { type DocumentHmac, hmacMatches, hmacOf } from './document-hmac.js'
import { complaint, hmacSchema } from './document-schema.js'
import { manifestSchema } from './manifest-schema.js'

/**
 * Whether a manifest without HMAC is taken. `refuse` wherever encryption is on: whoever can write to the store could otherwise
 * take the HMAC away, say `encryption: none` and have us restore what they put there.
 */
export type UnsignedPolicy = 'refuse' | 'accept'

/**
 * The bytes of `manifest.json`, described in FORMAT.md. The same manifest gives the same bytes: it is signed with the key its artifacts
 * are encrypted with, also after another key has become the active one; where they are not encrypted with the active key, if there is one.
 * @throws HoldfastError NOT_SUPPORTED above 256 KiB; KEY_MISSING; INTERNAL for a manifest that could not be read back
 */
export function encodeManifest(manifest: Manifest, keys: KeyRing): Uint8Array {
  const checked = manifestSchema.safeParse(manifest)
  if (!checked.success)
    throw new HoldfastError('INTERNAL', `manifest of ${manifest.backup} is not valid: ${complaint(checked.error)}`)
  const key = signingKey(manifest, keys)
  const bytes = documentOf(checked.data, key === undefined ? undefined : hmacOf('manifest', checked.data, key))
  if (bytes.length > manifestLimitBytes) {
    throw new HoldfastError(
      'NOT_SUPPORTED',
      `manifest of ${manifest.backup} would have ${bytes.length} bytes; ${manifestLimitBytes} is the limit`,
      {
        hint: 'shorten the reason, or have fewer tablespaces or databases in one backup',
      },
    )
  }
  return bytes
}

/**
 * A manifest as found in a store, which nobody vouches for. Checked in this order: size, JSON, format version, members, that it is the
 * backup its key says, HMAC, and that the bytes are exactly what we would write (so nothing can hide in spacing or doubled members).
 * @param options.unsigned default: `refuse` when there is an active key, else `accept`
 * @throws HoldfastError FORMAT_UNKNOWN, MANIFEST_DAMAGED (says what), KEY_MISSING (names the key's id)
 */
export function decodeManifest(
  bytes: Uint8Array,
  keys: KeyRing,
  options: { readonly expected: BackupId; readonly unsigned?: UnsignedPolicy },
): Manifest {
  const { expected } = options
  const { hmac: foundHmac, ...members } = parseDocument(bytes, expected)
  const result = manifestSchema.safeParse(members)
  if (!result.success) throw damaged(expected, complaint(result.error))
  const manifest: Manifest = result.data
  if (manifest.backup !== expected) throw damaged(expected, `it is the manifest of ${manifest.backup}`)
  const hmac = foundHmac === undefined ? undefined : parseHmac(foundHmac, expected)
  if (hmac !== undefined) checkHmac(manifest, hmac, keys)
  else if (mustBeSigned(manifest, keys, options.unsigned)) throw unsigned(expected)
  if (Buffer.compare(documentOf(manifest, hmac), bytes) !== 0)
    throw damaged(expected, 'its bytes are not in the form Holdfast writes')
  return manifest
}

function signingKey(manifest: Manifest, keys: KeyRing): EncryptionKey | undefined {
  const { keyId } = manifest.encryption
  return keyId === undefined ? keys.active : findKey(keyId, keys, manifest.backup)
}

function findKey(keyId: string, keys: KeyRing, backup: BackupId): EncryptionKey {
  const key = keys.find(keyId)
  if (key !== undefined) return key
  throw new HoldfastError(
    'KEY_MISSING',
    `manifest of ${backup} needs the key "${keyId}", which the configuration does not have`,
    {
      details: { keyId },
    },
  )
}

function documentOf(manifest: Manifest, hmac: DocumentHmac | undefined): Uint8Array {
  return new TextEncoder().encode(`${canonicalJson({ ...manifest, hmac })}\n`)
}

function parseDocument(bytes: Uint8Array, expected: BackupId): Record<string, unknown> {
  if (bytes.length > manifestLimitBytes) throw damaged(expected, `it is larger than ${manifestLimitBytes} bytes`)
  const document = parseJson(bytes, expected)
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw damaged(expected, 'it is not a JSON object')
  const members = document as Record<string, unknown>
  const version = members.formatVersion
  if (version === undefined) throw damaged(expected, 'it has no formatVersion')
  if (version !== 1) throw unknownFormat(version, expected)
  return members
}

function parseJson(bytes: Uint8Array, expected: BackupId): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (cause) {
    throw damaged(expected, 'it is not JSON', cause)
  }
}

function parseHmac(value: unknown, expected: BackupId): DocumentHmac {
  const result = hmacSchema.safeParse(value)
  if (!result.success) throw damaged(expected, `hmac: ${complaint(result.error)}`)
  return result.data
}

function checkHmac(manifest: Manifest, hmac: DocumentHmac, keys: KeyRing): void {
  const { keyId } = manifest.encryption
  if (keyId !== undefined && keyId !== hmac.keyId) throw damaged(manifest.backup, 'its HMAC is of another key than its artifacts')
  if (!hmacMatches('manifest', manifest, hmac, findKey(hmac.keyId, keys, manifest.backup)))
    throw wrongHmac(manifest.backup, hmac.keyId)
}

// Encrypted means signed, whatever the policy: no version of Holdfast ever wrote the one without the other.
function mustBeSigned(manifest: Manifest, keys: KeyRing, policy: UnsignedPolicy | undefined): boolean {
  if (manifest.encryption.format !== 'none') return true
  return (policy ?? (keys.active === undefined ? 'accept' : 'refuse')) === 'refuse'
}

function unsigned(backup: BackupId): HoldfastError {
  return new HoldfastError('MANIFEST_DAMAGED', `manifest of ${backup} is not signed, and must be where encryption is on`, {
    hint: 'taken with `encryption: off`? read it with such a configuration; else somebody altered it: use another repository',
  })
}

function damaged(backup: BackupId, what: string, cause?: unknown): HoldfastError {
  return new HoldfastError('MANIFEST_DAMAGED', `manifest of ${backup} is damaged: ${what}`, { cause })
}

function wrongHmac(backup: BackupId, keyId: string): HoldfastError {
  return new HoldfastError('MANIFEST_DAMAGED', `manifest of ${backup} is damaged: its HMAC is wrong for key "${keyId}"`, {
    hint: `if all backups say so, key "${keyId}" of this configuration is not the one they were made with: find that one. If only this one does, it was altered: use another repository`,
  })
}

function unknownFormat(version: unknown, backup: BackupId): HoldfastError {
  const found = JSON.stringify(version).slice(0, 40)
  return new HoldfastError(
    'FORMAT_UNKNOWN',
    `manifest of ${backup} has format version ${found}; this version of Holdfast reads 1`,
    {
      details: { formatVersion: found },
    },
  )
}
