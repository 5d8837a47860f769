import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { ObjectKey } from '../domain/ids.js'
import type { Artifact, Manifest } from '../domain/manifest.js'
import type { CallOptions, ObjectInfo, Store } from '../storage/store.js'
import { artifactKey } from './keys.js'
import { mapAhead } from './map-ahead.js'

export interface ArtifactProblem {
  readonly artifact: string
  readonly code: 'ARTIFACT_MISSING' | 'ARTIFACT_DAMAGED'
  /** Lower case, what is wrong with what, with both values. */
  readonly message: string
}

export interface CheckOptions extends CallOptions {
  /** Called as artifacts are read again, where the store knows no CRC-32. With `onChecked` it shows that a long check is alive. */
  readonly onBytes?: (bytes: number) => void
  /** Called after each artifact, whatever was found: there may be many, and each is at least one request. */
  readonly onChecked?: (artifact: string) => void
}

/**
 * Compares the artifacts in a store with a manifest: size and CRC-32 as the store tells them. Where it knows no CRC-32,
 * the artifact is read again, and its CRC-32 and SHA-256 are compared.
 */
export async function checkArtifacts(store: Store, manifest: Manifest, options: CheckOptions = {}): Promise<ArtifactProblem[]> {
  const problems: ArtifactProblem[] = []
  for await (const problem of mapAhead(manifest.artifacts, checksAtOnce, async (artifact) => {
    const found = await check(store, manifest, artifact, options)
    options.onChecked?.(artifact.name)
    return found
  })) {
    if (problem !== undefined) problems.push(problem)
  }
  return problems
}

const checksAtOnce = 4

async function check(
  store: Store,
  manifest: Manifest,
  artifact: Artifact,
  options: CheckOptions,
): Promise<ArtifactProblem | undefined> {
  const key = artifactKey(manifest.backup, manifest.attempt, artifact.name)
  const info = await store.head(key, options)
  if (info === undefined) return missing(store, artifact)
  const difference = differenceOf(artifact, info.crc32 === undefined ? await measure(store, key, info, artifact, options) : info)
  return difference === undefined ? undefined : damaged(store, artifact, difference)
}

interface Measured {
  readonly sizeBytes: number
  readonly crc32?: string
  readonly sha256?: string
}

function differenceOf(artifact: Artifact, found: Measured): string | undefined {
  if (found.sizeBytes !== artifact.sizeBytes) return `it has ${found.sizeBytes} bytes instead of ${artifact.sizeBytes}`
  if (found.crc32 !== undefined && found.crc32 !== artifact.crc32)
    return `its CRC-32 is ${found.crc32} instead of ${artifact.crc32}`
  if (found.sha256 !== undefined && found.sha256 !== artifact.sha256)
    return `its SHA-256 is ${found.sha256} instead of ${artifact.sha256}`
  return undefined
}

async function measure(
  store: Store,
  key: ObjectKey,
  info: ObjectInfo,
  artifact: Artifact,
  options: CheckOptions,
): Promise<Measured> {
  if (info.sizeBytes !== artifact.sizeBytes) return { sizeBytes: info.sizeBytes } // no need to read it
  const hash = createHash('sha256')
  let checksum = 0
  let sizeBytes = 0
  for await (const chunk of await store.get(key, options)) {
    const bytes = chunk as Uint8Array
    hash.update(bytes)
    checksum = crc32(bytes, checksum)
    sizeBytes += bytes.length
    options.onBytes?.(bytes.length)
  }
  return { sizeBytes, crc32: crc32Text(checksum), sha256: hash.digest('hex') }
}

function crc32Text(checksum: number): string {
  return checksum.toString(16).padStart(8, '0')
}

function missing(store: Store, artifact: Artifact): ArtifactProblem {
  return { artifact: artifact.name, code: 'ARTIFACT_MISSING', message: `${artifact.name} is not in ${store.description}` }
}

function damaged(store: Store, artifact: Artifact, difference: string): ArtifactProblem {
  return {
    artifact: artifact.name,
    code: 'ARTIFACT_DAMAGED',
    message: `${artifact.name} in ${store.description} is damaged: ${difference}`,
  }
}
