import { HoldfastError } from '../../domain/errors.js'
import type { Artifact, ArtifactRole, Manifest } from '../../domain/manifest.js'
import type { PrepareRequest } from '../engine.js'

/** @throws HoldfastError ARTIFACT_MISSING */
export function artifactOf(manifest: Manifest, role: ArtifactRole): Artifact {
  const artifact = manifest.artifacts.find((candidate) => candidate.role === role)
  if (artifact !== undefined) return artifact
  throw new HoldfastError('ARTIFACT_MISSING', `backup ${manifest.backup} has no artifact of the role ${role}`)
}

/** Counts the bytes that were handled, each item once, also where it is begun again. */
export function createAmount(
  progress: PrepareRequest['progress'],
  expectedBytes: number,
): { begin(item: string): (bytes: number) => void } {
  const bytesOf = new Map<string, number>()
  return {
    begin(item) {
      bytesOf.set(item, 0)
      return (bytes) => {
        bytesOf.set(item, (bytesOf.get(item) ?? 0) + bytes)
        const doneBytes = [...bytesOf.values()].reduce((total, each) => total + each, 0)
        progress({ step: 'extract', doneBytes, totalBytes: Math.max(expectedBytes, doneBytes), item })
      }
    },
  }
}
