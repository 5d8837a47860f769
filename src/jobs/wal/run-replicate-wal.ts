import { createConditions } from '../../domain/condition.js'
import { HoldfastError, toHoldfastError } from '../../domain/errors.js'
import type { JobContext } from '../job-context.js'
import type { ReplicateWalSpec } from '../job-spec.js'
import { createUploadPacer } from '../upload-pacer.js'
import { pause } from './pause.js'
import { type Round, replicateRound } from './replicate-round.js'
import { openSpool } from './spool.js'

const pollMs = 250

function replicateStep(repository: string): string {
  return `replicate ${repository}`
}

/** Brings what is sealed in the spool into one repository until it is stopped, through all times it is away. */
export async function runReplicateWal(spec: ReplicateWalSpec, { composition, voice }: JobContext): Promise<never> {
  const { system, to } = spec
  const { signal } = voice
  const target = await composition.repository(to)
  let [round, sentBytes] = [undefined as Round | undefined, 0]
  const tell = () =>
    voice.progress({ step: replicateStep(to), doneBytes: sentBytes, facts: factsOf(round), conditions: conditions.list() })
  const conditions = createConditions(() => new Date(), tell)
  const replication = {
    system,
    spool: openSpool(composition.walSpool(system)),
    target,
    catalog: await composition.catalog(to),
    pace: createUploadPacer(composition.system(system).limits.uploadRateBytesPerSecond),
    conditions,
    there: new Set<never>(),
    signal,
  }
  const { retryIntervalMs, retryMaximumIntervalMs } = composition.config.timeouts
  for (let failures = 0; ; ) {
    try {
      round = (await replicateRound(replication)) ?? round
      sentBytes += round?.sentBytes ?? 0
      failures = 0
      conditions.clear('repository')
      tell()
    } catch (error) {
      signal.throwIfAborted()
      failures += 1
      const { code, message, hint } = toHoldfastError(error)
      conditions.raiseError('repository', new HoldfastError(code, `repository ${to}: ${message}`, { hint, cause: error }))
    }
    const waitMs = failures === 0 ? pollMs : Math.min(retryMaximumIntervalMs, retryIntervalMs * 2 ** Math.min(failures - 1, 10))
    await pause(waitMs, signal)
  }
}

function factsOf(round: Round | undefined): Record<string, string> {
  if (round === undefined) return {}
  const { archived, waiting } = round
  const { timeline, lsn } = archived.position
  return {
    archived: `${archived.ends[timeline] ?? lsn} on timeline ${timeline}`,
    ...(archived.markedAt === undefined ? {} : { 'restorable to': archived.markedAt }),
    ...(waiting === 0 ? {} : { waiting: `${waiting} files` }),
  }
}
