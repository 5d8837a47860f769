import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, zstdCompressSync } from 'node:zlib'
import { backupPrefix } from '../../src/catalog/keys.js'
import { encodeManifest } from '../../src/catalog/manifest-codec.js'
import { canonicalJson } from '../../src/domain/canonical-json.js'
import { parseCrc32, parseSha256 } from '../../src/domain/ids.js'
import type { EncryptionKey, KeyRing } from '../../src/domain/keys.js'
import type { Artifact, ArtifactRole, Manifest } from '../../src/domain/manifest.js'
import { sampleManifest } from '../catalog/sample-manifest.js'

/** A directory to put repositories' manifests in, below which everything is the test's own. */
export async function emptyRepository(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'repository-'))
}

/** A target that is not there yet, in a directory that the server's user may enter. */
export async function freshTarget(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'place-'))
  await chmod(directory, 0o755)
  return join(directory, 'target')
}

export function keyRing(key: EncryptionKey | undefined): KeyRing {
  return { active: key, find: (id) => (id === key?.id ? key : undefined) }
}

/** A manifest alone, as the product writes it. @returns the path of its file */
export async function putManifest(repository: string, manifest: Manifest, key?: EncryptionKey): Promise<string> {
  const directory = join(repository, backupPrefix(manifest.backup))
  await mkdir(directory, { recursive: true })
  const path = join(directory, 'manifest.json')
  await writeFile(path, encodeManifest(manifest, keyRing(key)))
  return path
}

/** Changes a manifest, and leaves it in the one form that is read. */
export async function alterManifest(path: string, change: (manifest: Record<string, unknown>) => object): Promise<void> {
  const manifest = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
  await writeFile(path, `${canonicalJson(change(manifest))}\n`)
}

/** A backup that is not encrypted, with archives of the test's own: everything about it is right, but for what is in them. */
export async function putPlainBackup(repository: string, archives: Readonly<Record<'base' | 'wal', Buffer>>): Promise<Manifest> {
  const files: readonly (readonly [name: string, role: ArtifactRole, content: Buffer])[] = [
    ['base.tar.zst', 'base', archives.base],
    ['pg_wal.tar.zst', 'wal', archives.wal],
    ['backup_manifest.zst', 'backup-manifest', Buffer.from('{}')],
    ['inventory.json.zst', 'inventory', Buffer.from('{}')],
  ]
  const stored = files.map(([name, role, content]) => ({ name, role, bytes: zstdCompressSync(content) }))
  const artifacts = stored.map(({ name, role, bytes }): Artifact => {
    const sum = crc32(bytes).toString(16).padStart(8, '0')
    const sha256 = parseSha256(createHash('sha256').update(bytes).digest('hex'))
    return { name, role, sizeBytes: bytes.length, crc32: parseCrc32(sum), sha256 }
  })
  const sample = sampleManifest({ artifacts })
  const manifest = { ...sample, facts: { ...sample.facts, tablespaces: [], dataBytes: 1000 } }
  await putManifest(repository, manifest)
  const attempt = join(repository, backupPrefix(manifest.backup), manifest.attempt)
  await mkdir(attempt)
  for (const { name, bytes } of stored) await writeFile(join(attempt, name), bytes)
  return manifest
}
