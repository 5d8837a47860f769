import { HoldfastError } from '../domain/errors.js'
import type { CheckResult } from '../domain/operations.js'
import type { ReadingRecord } from './artifact-reader.js'
import type { JobContext } from './job-context.js'
import type { ExtractSpec } from './job-spec.js'
import { openBackup } from './open-backup.js'

/** Result of an extraction. */
export interface Extracted {
  readonly checks: readonly CheckResult[]
  readonly reading: ReadingRecord
}

/** Fetches and extracts a backup into an instance's directories, and checks what is there before anything is started. */
export async function runExtract(spec: ExtractSpec, { composition, voice }: JobContext): Promise<Extracted> {
  const instance = await composition.provisioner.find(spec.instance)
  if (instance === undefined) throw new HoldfastError('NOT_FOUND', `instance ${spec.instance} is not on this host`)
  const { manifest, reader } = await openBackup(spec, composition, voice.signal)
  const engine = await composition.engine(spec.system)
  const request = { manifest, instance, reader, ...(spec.only === undefined ? {} : { only: spec.only }) }
  const goal = spec.recovery === undefined ? {} : { recovery: spec.recovery }
  await engine.prepare({ ...request, ...goal, progress: voice.progress }, voice.signal)
  const checks = await engine.check({ ...request, stage: 'beforeStart' }, voice.signal)
  return { checks, reading: reader.record }
}
