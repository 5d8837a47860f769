import type { Composition } from '../composition/compose.js'
import type { BackupId, RepositoryName } from '../domain/ids.js'
import type { Manifest } from '../domain/manifest.js'
import { createArtifactReader, type RecordingReader } from './artifact-reader.js'

/** A backup to read from. */
export interface OpenedBackup {
  readonly manifest: Manifest
  readonly reader: RecordingReader
}

/** @param chosen `sources`: repositories that hold the backup, the nearest first. @throws what none of them lets us read */
export async function openBackup(
  chosen: { readonly backup: BackupId; readonly sources: readonly RepositoryName[] },
  composition: Composition,
  signal: AbortSignal,
): Promise<OpenedBackup> {
  const sources = await Promise.all(chosen.sources.map((name) => composition.repository(name)))
  const manifest = await composition.readManifest(chosen.backup, chosen.sources)
  return { manifest, reader: createArtifactReader({ manifest, sources, keys: await composition.keys(), signal }) }
}
