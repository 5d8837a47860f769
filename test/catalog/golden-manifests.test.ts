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
