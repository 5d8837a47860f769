import { describe, expect, test } from 'vitest'
import {
  artifactKey,
  attemptPrefix,
  backupPrefix,
  holdKey,
  manifestKey,
  parseManifestKey,
  tombstoneKey,
  verificationKey,
} from '../../src/catalog/keys.js'
import { parseBackupId } from '../../src/domain/ids.js'
import { codeOf } from './sample-manifest.js'

const id = parseBackupId('avi5_full_2026-01-10T03-00-00Z')

describe('keys', () => {
  test('are those of the format', () => {
    expect(backupPrefix(id)).toBe('avi5/full/2026/01/10/avi5_full_2026-01-10T03-00-00Z')
    expect(manifestKey(id)).toBe('avi5/full/2026/01/10/avi5_full_2026-01-10T03-00-00Z/manifest.json')
    expect(attemptPrefix(id, 'a1')).toBe('avi5/full/2026/01/10/avi5_full_2026-01-10T03-00-00Z/a1')
    expect(artifactKey(id, 'a2', 'base.tar.zst.enc')).toBe(
      'avi5/full/2026/01/10/avi5_full_2026-01-10T03-00-00Z/a2/base.tar.zst.enc',
    )
    expect(tombstoneKey(id)).toBe('_holdfast/avi5/tombstones/avi5_full_2026-01-10T03-00-00Z.json')
    expect(holdKey(id)).toBe('_holdfast/avi5/holds/avi5_full_2026-01-10T03-00-00Z.json')
    expect(verificationKey(id, new Date('2026-02-03T04:05:06.007Z'))).toBe(
      'avi5/verifications/2026/02/03/2026-02-03T04-05-06.007Z-avi5_full_2026-01-10T03-00-00Z.json',
    )
  })

  test.each([
    '../../../etc/passwd',
    '..',
    '.',
    '',
    'a/b',
    'a\\b',
    '.hidden',
    '-rf',
    'a b',
    'a\nb',
    'a\u0000b',
    'ü',
    'x'.repeat(200),
  ])('an artifact named %j does not lead anywhere', async (name) => {
    expect(await codeOf(() => artifactKey(id, 'a1', name))).toBe('MANIFEST_DAMAGED')
  })

  test.each(['', 'a', 'a0', 'a01', 'A1', '1', 'a1/..', '../a1', 'a1 ', 'a99999'])(
    'an attempt named %j is refused',
    async (attempt) => {
      expect(await codeOf(() => attemptPrefix(id, attempt))).toBe('MANIFEST_DAMAGED')
    },
  )
})

describe('parseManifestKey', () => {
  test('tells the id of what manifestKey made', () => {
    expect(parseManifestKey(manifestKey(id))).toBe(id)
  })

  test.each([
    'avi5/full/2026/01/10/avi5_full_2026-01-10T03-00-00Z/a1/manifest.json',
    'avi5/full/2026/01/10/avi5_full_2026-01-10T03-00-00Z/manifest.json.bak',
    'avi5/full/2026/01/11/avi5_full_2026-01-10T03-00-00Z/manifest.json',
    'other/full/2026/01/10/avi5_full_2026-01-10T03-00-00Z/manifest.json',
    'avi5/logical/2026/01/10/avi5_full_2026-01-10T03-00-00Z/manifest.json',
    'avi5/full/2026/02/30/avi5_full_2026-02-30T03-00-00Z/manifest.json',
    'deeper/avi5/full/2026/01/10/avi5_full_2026-01-10T03-00-00Z/manifest.json',
    'manifest.json',
    '',
  ])('takes %j for no manifest', (key) => {
    expect(parseManifestKey(key)).toBeUndefined()
  })
})
