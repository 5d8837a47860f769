import { HoldfastError } from '../domain/errors.js'
import type { CheckResult } from '../domain/operations.js'
import { createArtifactReader, type ReadingRecord } from './artifact-reader.js'
import type { JobContext } from './job-context.js'
import type { ExtractSpec } from './job-spec.js'

/** Result of an extraction. */
export interface Extracted {
  readonly checks: readonly CheckResult[]
  readonly reading: ReadingRecord
}

/** Fetches and extracts a backup into an instance's directories, and checks what is there before anything is started. */
export async function runExtract(spec: ExtractSpec, { composition, voice }: JobContext): Promise<Extracted> {
  const instance = await composition.provisioner.find(spec.instance)
  if (instance === undefined) throw new HoldfastError('NOT_FOUND', `instance ${spec.instance} is not on this host`)
  const sources = await Promise.all(spec.sources.map((name) => composition.repository(name)))
  const manifest = await composition.readManifest(spec.backup, spec.sources)
  const keys = await composition.keys()
  const reader = createArtifactReader({ manifest, sources, keys, signal: voice.signal })
  const engine = await composition.engine(spec.system)
  const request = { manifest, instance, reader, ...(spec.only === undefined ? {} : { only: spec.only }) }
  const goal = spec.recovery === undefined ? {} : { recovery: spec.recovery }
  await engine.prepare({ ...request, ...goal, progress: voice.progress }, voice.signal)
  const checks = await engine.check({ ...request, stage: 'beforeStart' }, voice.signal)
  return { checks, reading: reader.record }
}
