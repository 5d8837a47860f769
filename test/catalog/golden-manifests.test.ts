import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { decodeManifest, encodeManifest } from '../../src/catalog/manifest-codec.js'
import { parseBackupId } from '../../src/domain/ids.js'
import type { KeyRing } from '../../src/domain/keys.js'
import { noKeys } from './sample-manifest.js'

const key = { id: 'golden-1', bytes: Uint8Array.from({ length: 32 }, (_, index) => index) }
const goldenKeys: KeyRing = { active: key, find: (id) => (id === key.id ? key : undefined) }
const expected = parseBackupId('avi5_full_2026-01-10T03-00-00Z')

// These files are what an operator's bucket holds. They are never edited; a new version of the format adds its own.
describe.each([
  ['signed.json', goldenKeys],
  ['unsigned.json', noKeys],
])('the golden manifest of format version 1, %s', (name, keys) => {
  const read = () => readFile(new URL(`../golden/v1/manifests/${name}`, import.meta.url))

  test('is read by this version', async () => {
    const manifest = decodeManifest(await read(), keys, { expected })
    expect(manifest).toMatchObject({ formatVersion: 1, backup: expected, attempt: 'a2', milestone: 'vor der Umstellung' })
    expect(manifest.artifacts.map((artifact) => artifact.role)).toEqual([
      'base',
      'tablespace',
      'wal',
      'backup-manifest',
      'configuration',
      'inventory',
    ])
  })

  test('is written byte for byte the same by this version', async () => {
    const bytes = await read()
    const manifest = decodeManifest(bytes, keys, { expected })
    expect(new TextDecoder().decode(encodeManifest(manifest, keys))).toBe(bytes.toString('utf8'))
  })
})

describe('the golden manifest of a logical backup, dumps.json', () => {
  const dumps = parseBackupId('avi5_logical_2026-01-10T04-00-00Z')
  const read = () => readFile(new URL('../golden/v1/manifests/dumps.json', import.meta.url))

  test('is read, and written byte for byte the same, by this version', async () => {
    const bytes = await read()
    const manifest = decodeManifest(bytes, goldenKeys, { expected: dumps })
    expect(manifest.artifacts.map(({ role }) => role)).toEqual(['globals', 'dump', 'dump', 'inventory'])
    expect(manifest.facts).toMatchObject({ dumps: 'custom', serverVersion: '15.18' })
    expect(new TextDecoder().decode(encodeManifest(manifest, goldenKeys))).toBe(bytes.toString('utf8'))
  })

  test.each([
    ['facts of another kind', (text: string) => text.replace(/ {4}"dumps": "custom",\n/, ''), 'facts'],
    ['a dump of no database', (text: string) => text.replace(/ {6}"database": "5",\n/, ''), 'belongs to role dump'],
  ])('is refused with %s', async (_, alter, why) => {
    const altered = Buffer.from(alter((await read()).toString('utf8')))
    expect(() => decodeManifest(altered, goldenKeys, { expected: dumps })).toThrow(why)
  })
})
