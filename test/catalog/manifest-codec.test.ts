import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeManifest, encodeManifest } from '../../src/catalog/manifest-codec.js'
import { parseBackupId } from '../../src/domain/ids.js'
import type { Artifact, Manifest } from '../../src/domain/manifest.js'
import { maximumDumps } from '../../src/domain/manifest-limits.js'
import { codeOf, keyRing, noKeys, sampleArtifact, sampleManifest } from './sample-manifest.js'

const keys = keyRing('2026-11', '2026-08')
const manifest = sampleManifest({ keyId: '2026-11' })
const expected = manifest.backup
const plain = sampleManifest()

describe('encodeManifest', () => {
  test('gives the same bytes for the same manifest, whatever the order of its members', () => {
    const reversed = Object.fromEntries(Object.entries(manifest).reverse()) as unknown as Manifest
    expect(encodeManifest(reversed, keys)).toEqual(encodeManifest(manifest, keys))
  })

  test('gives the same bytes after another key has become the active one', () => {
    expect(encodeManifest(manifest, keyRing('2027-02', '2026-11'))).toEqual(encodeManifest(manifest, keys))
  })

  test('refuses a manifest above 256 KiB, and says how large it is', () => {
    const large = sampleManifest({ reason: 'x'.repeat(270_000) })
    expect(() => encodeManifest(large, noKeys)).toThrow(/would have 27\d{4} bytes; 262144 is the limit/)
  })

  test('takes as many dumps as a backup may have, whatever their OIDs and sizes', () => {
    const dumps = Array.from({ length: maximumDumps }, (_, n): Artifact => {
      const database = String(4_294_967_295 - n)
      const dump = sampleArtifact(`${database}.dump.tar.zst.enc`, 'dump')
      return { ...dump, database, sizeBytes: Number.MAX_SAFE_INTEGER }
    })
    const artifacts = [sampleArtifact('globals.sql.zst.enc', 'globals'), ...dumps]
    const many = sampleManifest({ kind: 'logical', keyId: '2026-11', artifacts, reason: 'x'.repeat(10_000) })
    expect(decodeManifest(encodeManifest(many, keys), keys, { expected: many.backup })).toEqual(many)
  })

  test.each([
    ['two artifacts of one name', { artifacts: [sampleArtifact('base.tar.zst', 'base'), sampleArtifact('base.tar.zst', 'wal')] }],
    ['no artifact', { artifacts: [] }],
    ['a path as an artifact', { artifacts: [sampleArtifact('../base.tar.zst', 'base')] }],
    ['a tablespace without its OID', { artifacts: [sampleArtifact('1.tar.zst', 'tablespace')] }],
    ['a tablespace without its artifact', { facts: { ...plain.facts, tablespaces: [] } }],
    [
      'an artifact of a tablespace nobody knows',
      { artifacts: plain.artifacts.filter(({ role }) => role !== 'tablespace'), facts: plain.facts },
    ],
    ['an end before the beginning', { stoppedAt: '2026-01-10T02:00:00Z' }],
    ['text that is no Unicode', { reason: '\ud800' }],
    ['an attempt that is a path', { attempt: 'a1/../a2' }],
  ])('refuses %s rather than write what it could not read', async (_, wrong) => {
    expect(await codeOf(() => encodeManifest({ ...plain, ...wrong } as Manifest, noKeys))).toBe('INTERNAL')
  })

  test('names the key it lacks', () => {
    expect(() => encodeManifest(manifest, keyRing('other'))).toThrow(/needs the key "2026-11"/)
  })
})

describe('decodeManifest', () => {
  test('gives back what was encoded', () => {
    expect(decodeManifest(encodeManifest(manifest, keys), keys, { expected })).toEqual(manifest)
    expect(decodeManifest(encodeManifest(plain, noKeys), noKeys, { expected })).toEqual(plain)
  })

  test('gives back what was encoded, for any text in it', () => {
    const anyText = fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed())
    fc.assert(
      fc.property(anyText, anyText, fc.array(anyText, { maxLength: 5 }), fc.nat(), (reason, milestone, notes, dataBytes) => {
        const any: Manifest = { ...manifest, reason, milestone, notes, facts: { ...manifest.facts, dataBytes } }
        expect(decodeManifest(encodeManifest(any, keys), keys, { expected })).toEqual(any)
      }),
      { numRuns: 200 },
    )
  })

  test('refuses a signed manifest with any one byte changed', async () => {
    const bytes = encodeManifest(manifest, keys)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const altered = Uint8Array.from(bytes)
        altered[at] = (altered[at] ?? 0) ^ flip
        expect(() => decodeManifest(altered, keys, { expected })).toThrow()
      }),
      { numRuns: 500 },
    )
  })

  test('refuses a signed manifest cut off anywhere', () => {
    const bytes = encodeManifest(manifest, keys)
    for (let length = 0; length < bytes.length; length += 7) {
      expect(() => decodeManifest(bytes.subarray(0, length), keys, { expected })).toThrow(/damaged/)
    }
  })

  test('names the format version of another Holdfast before it looks at anything else', () => {
    const bytes = textBytes('{"formatVersion": 2, "backups": "elsewhere"}')
    expect(() => decodeManifest(bytes, keys, { expected })).toThrow(
      expect.objectContaining({ code: 'FORMAT_UNKNOWN', message: expect.stringContaining('has format version 2') }),
    )
  })

  test('names the key it lacks', () => {
    expect(() => decodeManifest(encodeManifest(manifest, keys), keyRing('2027-02'), { expected })).toThrow(
      expect.objectContaining({ code: 'KEY_MISSING', message: expect.stringContaining('"2026-11"') }),
    )
  })

  test('reads with an old key', () => {
    const old = sampleManifest({ keyId: '2026-08' })
    expect(decodeManifest(encodeManifest(old, keys), keys, { expected })).toEqual(old)
  })

  test('refuses the manifest of another backup under this key', () => {
    const other = parseBackupId('avi5_full_2026-01-11T03-00-00Z')
    expect(() => decodeManifest(encodeManifest(manifest, keys), keys, { expected: other })).toThrow(
      /it is the manifest of avi5_full_2026-01-10/,
    )
  })

  test.each([
    ['nothing', '', 'not JSON'],
    ['an array', '[]', 'not a JSON object'],
    ['null', 'null', 'not a JSON object'],
    ['an object of something else', '{}', 'no formatVersion'],
    ['a byte order mark', '\ufeff{}', 'not JSON'],
    ['deep nesting', `{"formatVersion": 1, "notes": ${'['.repeat(20_000)}${']'.repeat(20_000)}}`, 'damaged'],
    ['more than 256 KiB', ' '.repeat(270_000), 'larger than 262144 bytes'],
  ])('refuses %s', (_, text, why) => {
    expect(() => decodeManifest(textBytes(text), keys, { expected })).toThrow(
      expect.objectContaining({ code: 'MANIFEST_DAMAGED', message: expect.stringContaining(why) }),
    )
  })

  test.each([
    ['trailing data', (text: string) => `${text}{}`, 'not JSON'],
    ['trailing spaces', (text: string) => `${text}  `, 'not in the form'],
    ['a doubled member', (text: string) => text.replace('"attempt"', '"attempt": "a9",\n  "attempt"'), 'not in the form'],
    ['a member unknown to this version', (text: string) => text.replace('"attempt"', '"extra": 1,\n  "attempt"'), 'extra'],
    ['a __proto__ member', (text: string) => text.replace('"attempt"', '"__proto__": {},\n  "attempt"'), 'damaged'],
    ['another attempt', (text: string) => text.replace('"a1"', '"a2"'), 'HMAC is wrong'],
    ['a path as an artifact', (text: string) => text.replace('"base.tar.zst.enc"', '"../../x"'), 'artifacts.0.name'],
    ['an HMAC under an old key', (text: string) => text.replace('"keyId": "2026-11"\n', '"keyId": "2026-08"\n'), 'another key'],
  ])('refuses a signed manifest with %s', (_, alter, why) => {
    const altered = alter(new TextDecoder().decode(encodeManifest(manifest, keys)))
    expect(() => decodeManifest(textBytes(altered), keys, { expected })).toThrow(
      expect.objectContaining({ code: 'MANIFEST_DAMAGED', message: expect.stringContaining(why) }),
    )
  })
})

describe('a manifest without HMAC', () => {
  const unsigned = encodeManifest(plain, noKeys)

  test('is refused where there is an active key: taking signature and encryption away gains nothing', () => {
    expect(() => decodeManifest(unsigned, keys, { expected })).toThrow(expect.objectContaining({ code: 'MANIFEST_DAMAGED' }))
  })

  test('is taken where encryption is off, or where the caller says so', () => {
    expect(decodeManifest(unsigned, noKeys, { expected })).toEqual(plain)
    expect(decodeManifest(unsigned, keys, { expected, unsigned: 'accept' })).toEqual(plain)
  })

  test('is never taken for encrypted artifacts', () => {
    const document = JSON.parse(new TextDecoder().decode(encodeManifest(manifest, keys)))
    delete document.hmac
    const stripped = textBytes(`${JSON.stringify(document, null, 2)}\n`)
    for (const ring of [keys, noKeys]) {
      expect(() => decodeManifest(stripped, ring, { expected, unsigned: 'accept' })).toThrow(/is not signed/)
    }
  })

  test('is signed all the same when encryption was turned on before it is written', () => {
    const bytes = encodeManifest(plain, keys)
    expect(decodeManifest(bytes, keys, { expected })).toEqual(plain)
  })
})

function textBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
