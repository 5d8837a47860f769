import { attemptPrefix } from '../catalog/keys.js'
import { HoldfastError } from '../domain/errors.js'
import type { StoredCapture } from '../domain/manifest.js'
import { createCaptureSink } from './capture-sink.js'
import type { JobContext } from './job-context.js'
import type { CaptureSpec } from './job-spec.js'

/** Captures a system once, into its capture repository. */
export async function runCapture(spec: CaptureSpec, { composition, voice }: JobContext): Promise<StoredCapture> {
  const repository = await composition.captureRepository(spec.system)
  const growing = repository.store.growing
  if (growing === undefined) {
    throw new HoldfastError('STORE_INCAPABLE', `repository ${repository.name} cannot take a capture: it is not on this host`)
  }
  const keys = await composition.keys()
  const engine = await composition.engine(spec.system)
  const prefix = attemptPrefix(spec.backup, spec.attempt)
  const sink = createCaptureSink({
    growing,
    scratchDirectory: await growing.scratch(prefix),
    spec,
    keys,
    compressionLevel: composition.compressionLevel(spec.system),
    voice,
  })
  try {
    const captured = await engine.capture({ kind: spec.backupKind, label: spec.backup }, sink, voice.signal)
    await growing.discard(prefix)
    return { ...captured, ...(keys.active === undefined ? {} : { keyId: keys.active.id }) }
  } catch (error) {
    // Nothing can go on from it, and on a disk that is full the result of this job may need the room.
    await growing.discard(prefix).catch(() => undefined)
    throw error
  }
}
