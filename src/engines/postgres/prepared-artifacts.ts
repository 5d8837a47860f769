import { buffer } from 'node:stream/consumers'
import { HoldfastError } from '../../domain/errors.js'
import type { Artifact, ArtifactRole, Manifest } from '../../domain/manifest.js'
import type { Progress } from '../../domain/progress.js'
import type { ArtifactReader } from '../engine.js'
import { type Inventory, parseInventory } from './inventory.js'

/** @throws HoldfastError ARTIFACT_MISSING */
export function artifactOf(manifest: Manifest, role: ArtifactRole): Artifact {
  const artifact = manifest.artifacts.find((candidate) => candidate.role === role)
  if (artifact !== undefined) return artifact
  throw new HoldfastError('ARTIFACT_MISSING', `backup ${manifest.backup} has no artifact of the role ${role}`)
}

/** @throws HoldfastError ARTIFACT_MISSING, ARTIFACT_DAMAGED */
export async function readInventory(manifest: Manifest, reader: ArtifactReader): Promise<Inventory> {
  const bytes = await reader.read(artifactOf(manifest, 'inventory'), buffer)
  return parseInventory(bytes.toString('utf8'))
}

interface Counting {
  /** As Progress has it. */
  readonly step: string
  /** An estimate; absent where nobody knows. */
  readonly totalBytes?: number
  readonly progress: (progress: Progress) => void
}

/** Counts the bytes that were handled, each item once, also where it is begun again. */
export function createAmount({ step, totalBytes, progress }: Counting): { begin(item: string): (bytes: number) => void } {
  const bytesOf = new Map<string, number>()
  return {
    begin(item) {
      bytesOf.set(item, 0)
      return (bytes) => {
        bytesOf.set(item, (bytesOf.get(item) ?? 0) + bytes)
        const doneBytes = [...bytesOf.values()].reduce((total, each) => total + each, 0)
        progress({ step, doneBytes, ...(totalBytes === undefined ? {} : { totalBytes: Math.max(totalBytes, doneBytes) }), item })
      }
    },
  }
}
