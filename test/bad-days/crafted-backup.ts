import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { crc32, zstdCompressSync } from 'node:zlib'
import { execa } from 'execa'
import { encryptionContext } from '../../src/catalog/encryption-context.js'
import { artifactKey, manifestKey } from '../../src/catalog/keys.js'
import { encodeManifest } from '../../src/catalog/manifest-codec.js'
import { type BackupId, parseCrc32, parseSha256 } from '../../src/domain/ids.js'
import type { KeyRing } from '../../src/domain/keys.js'
import type { Artifact, Manifest } from '../../src/domain/manifest.js'
import { decompressZstd } from '../../src/pipeline/decompress-zstd.js'
import { decrypt } from '../../src/pipeline/decrypt.js'
import { encrypt } from '../../src/pipeline/encrypt.js'
import type { Store } from '../../src/storage/store.js'
import { whileChanged } from '../damage/damage.js'

export interface Crafting {
  readonly store: Store
  readonly manifest: Manifest
  readonly keys: KeyRing
  /** For files of the test. */
  readonly directory: string
}

/**
 * Runs `work` while an archive of a backup is another one, as somebody who has the bucket and the key could make it: encrypted,
 * with the right digests in a manifest that is signed.
 * @param change is given a directory with what was in the archive
 */
export async function whileCrafted<T>(
  crafting: Crafting,
  role: Artifact['role'],
  change: (directory: string) => Promise<unknown>,
  work: () => Promise<T>,
): Promise<T> {
  const { store, manifest, keys } = crafting
  const artifact = manifest.artifacts.find((candidate) => candidate.role === role)
  if (artifact === undefined) throw new Error(`the backup has no ${role}`)
  const key = artifactKey(manifest.backup, manifest.attempt, artifact.name)
  const crafted = await craft(crafting, artifact, await buffer(await store.get(key)), change)
  const described: Artifact = {
    ...artifact,
    sizeBytes: crafted.length,
    crc32: parseCrc32(crc32(crafted).toString(16).padStart(8, '0')),
    sha256: parseSha256(createHash('sha256').update(crafted).digest('hex')),
  }
  const artifacts = manifest.artifacts.map((other) => (other === artifact ? described : other))
  const signed = Buffer.from(encodeManifest({ ...manifest, artifacts }, keys))
  const withManifest = () => whileChanged(store, manifestKey(manifest.backup), () => signed, work)
  return whileChanged(store, key, () => crafted, withManifest)
}

async function craft(
  { manifest, keys, directory }: Crafting,
  { name }: Artifact,
  stored: Buffer,
  change: (directory: string) => Promise<unknown>,
): Promise<Buffer> {
  const context = encryptionContext(manifest.system, manifest.backup as BackupId, name)
  const { active } = keys
  if (active === undefined) throw new Error('the backup is not encrypted')
  const [archive, inside] = [join(directory, 'archive.tar'), join(directory, 'inside')]
  await mkdir(inside)
  await writeFile(archive, await through(stored, [decrypt({ keys, context }), decompressZstd()]))
  await execa('tar', ['-xf', archive, '-C', inside])
  await change(inside)
  await execa('tar', ['-cf', archive, '-C', inside, '.'])
  await rm(inside, { recursive: true })
  return through(zstdCompressSync(await readFile(archive)), [encrypt({ key: active, context })])
}

async function through(bytes: Buffer, stages: readonly NodeJS.ReadWriteStream[]): Promise<Buffer> {
  const last = stages.at(-1) as unknown as Readable
  const [result] = await Promise.all([buffer(last), pipeline([Readable.from([bytes]), ...stages])])
  return result
}
