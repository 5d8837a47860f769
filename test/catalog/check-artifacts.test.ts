import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkArtifacts } from '../../src/catalog/check-artifacts.js'
import { artifactKey } from '../../src/catalog/keys.js'
import { parseCrc32, parseSha256 } from '../../src/domain/ids.js'
import type { Artifact } from '../../src/domain/manifest.js'
import { createFilesystemStore } from '../../src/storage/filesystem-store.js'
import type { Store } from '../../src/storage/store.js'
import { createMemoryStore } from './memory-store.js'
import { useBucket } from './s3-bucket.js'
import { sampleManifest } from './sample-manifest.js'

const contents = new Map([
  ['base.tar.zst', randomBytes(300_000)],
  ['pg_wal.tar.zst', randomBytes(1)],
  ['backup_manifest.zst', Buffer.alloc(0)],
])
const artifacts = [...contents].map(([name, bytes]) => artifactOf(name, bytes))
const manifest = sampleManifest({ artifacts })

const openBucket = useBucket()
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-check-'))
})
afterEach(() => rm(directory, { recursive: true }))

describe.each([
  ['a store that knows no CRC-32 (filesystem)', () => createFilesystemStore({ root: directory }), 300_001],
  ['a store that knows CRC-32 (S3)', () => openBucket(), 0],
  ['a store that knows CRC-32 (in memory)', () => createMemoryStore(), 0],
])('checkArtifacts in %s', (_, makeStore: () => Store, readBytes) => {
  let store: Store

  beforeEach(async () => {
    store = makeStore()
    for (const [name, bytes] of contents) await replace(name, bytes)
  })

  test('finds a whole copy whole, and reads it again only where it must', async () => {
    let bytes = 0
    const checked: string[] = []
    const options = { onBytes: (count: number) => (bytes += count), onChecked: (name: string) => checked.push(name) }
    expect(await checkArtifacts(store, manifest, options)).toEqual([])
    expect(bytes).toBe(readBytes)
    expect(checked.sort()).toEqual([...contents.keys()].sort())
  })

  test('tells what is missing, what has another size and what has other bytes', async () => {
    await store.delete([keyOf('pg_wal.tar.zst')])
    await replace('backup_manifest.zst', Buffer.from('more'))
    const flipped = Buffer.from(contents.get('base.tar.zst') ?? '')
    flipped[12_345] = (flipped[12_345] ?? 0) ^ 1
    await replace('base.tar.zst', flipped)
    const problems = await checkArtifacts(store, manifest)
    expect(problems.map(({ artifact, code }) => `${artifact} ${code}`)).toEqual([
      'base.tar.zst ARTIFACT_DAMAGED',
      'pg_wal.tar.zst ARTIFACT_MISSING',
      'backup_manifest.zst ARTIFACT_DAMAGED',
    ])
    expect(problems[0]?.message).toContain('CRC-32')
    expect(problems[2]?.message).toContain('4 bytes instead of 0')
  })

  function keyOf(name: string) {
    return artifactKey(manifest.backup, manifest.attempt, name)
  }

  async function replace(name: string, bytes: Uint8Array): Promise<void> {
    await store.put(keyOf(name), bytes, { ifAbsent: false })
  }
})

test('a forged CRC-32 does not get past the SHA-256 where the artifact is read again', async () => {
  const [first] = artifacts
  if (first === undefined) throw new Error('no artifact')
  const forged = sampleManifest({ artifacts: [{ ...first, sha256: parseSha256('00'.repeat(32)) }] })
  const store = createFilesystemStore({ root: directory })
  await store.put(artifactKey(manifest.backup, 'a1', first.name), contents.get(first.name) ?? Buffer.alloc(0), { ifAbsent: true })
  expect(await checkArtifacts(store, forged)).toMatchObject([
    { code: 'ARTIFACT_DAMAGED', message: expect.stringContaining('SHA-256') },
  ])
})

function artifactOf(name: string, bytes: Uint8Array): Artifact {
  return {
    name,
    role: 'base',
    sizeBytes: bytes.length,
    crc32: parseCrc32(crc32(bytes).toString(16).padStart(8, '0')),
    sha256: parseSha256(createHash('sha256').update(bytes).digest('hex')),
  }
}
