import { z } from 'zod'
import { canonicalJson } from '../domain/canonical-json.js'
import { HoldfastError } from '../domain/errors.js'
import { type ObjectKey, parseSystemName } from '../domain/ids.js'
import type { KeyRing } from '../domain/keys.js'
import { parseLsn } from '../domain/lsn.js'
import type { Mark } from '../domain/mark.js'
import { maximumTimeline } from '../domain/wal.js'
import { type DocumentHmac, hmacMatches, hmacOf } from './document-hmac.js'
import { complaint, hmacSchema, parsed } from './document-schema.js'
import type { UnsignedPolicy } from './manifest-codec.js'
import { markKey } from './wal-keys.js'

/** Of an encoded mark. Small enough to be read whole, always. */
export const markLimitBytes = 4096

/** The bytes of a mark, described in FORMAT.md: signed with the active key, where there is one. */
export function encodeMark(mark: Mark, keys: KeyRing): Uint8Array {
  const checked = markSchema.safeParse(mark)
  if (!checked.success) throw new HoldfastError('INTERNAL', `a mark of ${mark.system} is not valid: ${complaint(checked.error)}`)
  return documentOf(checked.data, keys.active === undefined ? undefined : hmacOf('mark', checked.data, keys.active))
}

/**
 * A mark as found in a store, which nobody vouches for: its form, that it says what its key says, and its HMAC.
 * @param unsigned default: `refuse` when there is an active key, else `accept`
 * @throws HoldfastError ARTIFACT_DAMAGED, FORMAT_UNKNOWN, KEY_MISSING
 */
export function decodeMark(bytes: Uint8Array, key: ObjectKey, keys: KeyRing, unsigned?: UnsignedPolicy): Mark {
  const { hmac: foundHmac, ...members } = parseDocument(bytes, key)
  const result = markSchema.safeParse(members)
  if (!result.success) throw damaged(key, complaint(result.error))
  const mark: Mark = result.data
  if (markKey(mark) !== key) throw damaged(key, 'it says something else than its key')
  const hmac = foundHmac === undefined ? undefined : parseHmac(foundHmac, key)
  if (hmac !== undefined) checkHmac(mark, hmac, key, keys)
  else if ((unsigned ?? (keys.active === undefined ? 'accept' : 'refuse')) === 'refuse') throw damaged(key, 'it is not signed')
  if (Buffer.compare(documentOf(mark, hmac), bytes) !== 0) throw damaged(key, 'its bytes are not in the form Holdfast writes')
  return mark
}

const markSchema = z.strictObject({
  formatVersion: z.literal(1),
  system: parsed(parseSystemName),
  systemIdentifier: z.string().regex(/^[0-9]{1,20}$/),
  timeline: z.int().positive().max(maximumTimeline),
  lsn: parsed(parseLsn),
  at: z.iso.datetime({ precision: 3 }),
}) satisfies z.ZodType<Mark>

function documentOf(mark: Mark, hmac: DocumentHmac | undefined): Uint8Array {
  return new TextEncoder().encode(`${canonicalJson({ ...mark, hmac })}\n`)
}

function parseDocument(bytes: Uint8Array, key: ObjectKey): Record<string, unknown> {
  if (bytes.length > markLimitBytes) throw damaged(key, `it is larger than ${markLimitBytes} bytes`)
  const document = parseJson(bytes, key)
  if (typeof document !== 'object' || document === null || Array.isArray(document)) throw damaged(key, 'it is not a JSON object')
  const members = document as Record<string, unknown>
  if (members.formatVersion === 1) return members
  const found = JSON.stringify(members.formatVersion)?.slice(0, 40)
  throw new HoldfastError('FORMAT_UNKNOWN', `the mark ${key} has format version ${found}; this version of Holdfast reads 1`)
}

function parseJson(bytes: Uint8Array, key: ObjectKey): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (cause) {
    throw damaged(key, 'it is not JSON', cause)
  }
}

function parseHmac(value: unknown, key: ObjectKey): DocumentHmac {
  const result = hmacSchema.safeParse(value)
  if (!result.success) throw damaged(key, `hmac: ${complaint(result.error)}`)
  return result.data
}

function checkHmac(mark: Mark, hmac: DocumentHmac, key: ObjectKey, keys: KeyRing): void {
  const signer = keys.find(hmac.keyId)
  if (signer === undefined) {
    const message = `the mark ${key} needs the key "${hmac.keyId}", which the configuration does not have`
    throw new HoldfastError('KEY_MISSING', message, { details: { keyId: hmac.keyId } })
  }
  if (!hmacMatches('mark', mark, hmac, signer)) throw damaged(key, `its HMAC is wrong for key "${hmac.keyId}"`)
}

function damaged(key: ObjectKey, what: string, cause?: unknown): HoldfastError {
  return new HoldfastError('ARTIFACT_DAMAGED', `the mark ${key} is damaged: ${what}`, {
    cause,
    hint: 'older marks count instead; if all say so, the configuration lacks the key they were signed with',
  })
}
