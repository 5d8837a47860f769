import pLimit from 'p-limit'
import { abortUploads } from '../catalog/attempts.js'
import type { Artifact, StoredCapture } from '../domain/manifest.js'
import { followCapture } from './follow-capture.js'
import type { JobContext } from './job-context.js'
import type { ReplicateSpec } from './job-spec.js'
import { createPartBuffers } from './part-buffers.js'
import { replicateArtifact } from './replicate-artifact.js'
import { createReplicationCount, type Replicated } from './replication-count.js'
import { createUploadPacer } from './upload-pacer.js'

/** Artifacts sent at a time: a capture grows one or two, and each holds a part in memory. */
const artifactsAtOnce = 3
/** Of all parts in flight. Systems of terabytes need parts of hundreds of megabytes: then fewer are sent at a time. */
const inFlightBytes = 256 * 1024 * 1024

/**
 * Brings one repository's copy of an attempt up to what the capture wrote, following it while it runs.
 * Everything the repository holds already is kept. Does not commit.
 */
export async function runReplicate(spec: ReplicateSpec, { composition, stateDirectory, voice }: JobContext): Promise<Replicated> {
  const source = await composition.captureRepository(spec.system)
  const target = await composition.repository(spec.to)
  const { uploadRateBytesPerSecond: bytesPerSecond } = composition.system(spec.system).limits
  const count = createReplicationCount(spec.to, voice)
  const limits = {
    artifacts: pLimit(bytesPerSecond === undefined ? artifactsAtOnce : 1),
    parts: pLimit(partsAtOnce(target.partsInFlight, spec.partBytes)),
    buffers: createPartBuffers(spec.partBytes),
    bytesPerSecond,
    pace: createUploadPacer(bytesPerSecond),
  }
  const failing = new AbortController()
  const signal = AbortSignal.any([voice.signal, failing.signal])
  const captured = Promise.withResolvers<StoredCapture>()
  captured.promise.catch(() => undefined)

  const copies = new Map<string, Promise<void>>()
  const begin = (name: string) => {
    if (copies.has(name)) return
    const finished = captured.promise.then((result) => artifactNamed(result, name))
    // A copy that fails before it waits for this leaves it unheard; unheard it would end the process without a result.
    finished.catch(() => undefined)
    const copy = replicateArtifact({ spec, name, finished, source, target, limits, count, signal })
    // The first failure ends the others; it is reported below, where all are awaited.
    copy.catch((error) => failing.abort(error))
    copies.set(name, copy)
  }
  try {
    const result = await followCapture({ stateDirectory, captureJob: spec.captureJob, onArtifact: begin, signal })
    count.expect(result.artifacts.reduce((sum, artifact) => sum + artifact.sizeBytes, 0))
    captured.resolve(result)
    for (const artifact of result.artifacts) begin(artifact.name)
    await Promise.all(copies.values())
    // All artifacts are there: what is still under way was begun twice, because the answer to its beginning was lost.
    await abortUploads(target.store, spec.backup, spec.attempt, { signal })
    return count.total()
  } catch (error) {
    failing.abort(error)
    captured.reject(error)
    await Promise.allSettled(copies.values())
    throw failing.signal.reason
  }
}

function partsAtOnce(wanted: number, partBytes: number): number {
  return Math.max(1, Math.min(wanted, Math.floor(inFlightBytes / partBytes)))
}

function artifactNamed(captured: StoredCapture, name: string): Artifact {
  const artifact = captured.artifacts.find((candidate) => candidate.name === name)
  if (artifact === undefined) throw new Error(`the capture announced ${name} and did not deliver it`)
  return artifact
}
