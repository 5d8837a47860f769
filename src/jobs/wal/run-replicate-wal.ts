import { createConditions } from '../../domain/condition.js'
import { HoldfastError, toHoldfastError } from '../../domain/errors.js'
import type { JobContext } from '../job-context.js'
import type { ReplicateWalSpec } from '../job-spec.js'
import { createUploadPacer } from '../upload-pacer.js'
import { pause } from './pause.js'
import { isQuiet, type Round, replicateRound } from './replicate-round.js'
import { openSpool } from './spool.js'
import { createGapWatch } from './watch-gaps.js'

const pollMs = 250
/** A spool that does not change is gone through all the same: gaps are watched, and it may have been removed. */
const roundEveryMs = 5_000
/** It was met once, on the way to something whole. */
const mendingToldMs = 3_600_000
const uselessHint = 'no restore from that repository comes past it: check its storage and the keys, and take a full backup'

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
  const required = composition.walConfig(system).required
  const others = [...new Set([...required, ...composition.system(system).repositories])].filter((name) => name !== to)
  // When they are needed: a secret missing for one of them must not stop this one.
  const helpers = () =>
    Promise.all(
      others.map(async (name) => ({ repository: await composition.repository(name), catalog: await composition.catalog(name) })),
    )
  const catalog = await composition.catalog(to)
  const replication = {
    system,
    spool: openSpool(composition.walSpool(system)),
    target,
    catalog,
    helpers,
    keys: composition.keys,
    onUseless: ({ code, message }: HoldfastError) => conditions.raise('mending', code, message, uselessHint),
    pace: createUploadPacer(composition.system(system).limits.uploadRateBytesPerSecond),
    watchGaps: createGapWatch(catalog, system, conditions, to),
    there: new Set<never>(),
    signal,
  }
  const { retryIntervalMs, retryMaximumIntervalMs } = composition.config.timeouts
  for (let [failures, roundAtMs] = [0, 0]; ; ) {
    try {
      if (round !== undefined && performance.now() < roundAtMs && (await isQuiet(replication, round))) {
        await pause(pollMs, signal)
        continue
      }
      roundAtMs = performance.now() + roundEveryMs
      round = (await replicateRound(replication)) ?? round
      sentBytes += round?.sentBytes ?? 0
      failures = 0
      conditions.clear('repository')
      conditions.clearOlder('mending', mendingToldMs)
      tell()
    } catch (error) {
      signal.throwIfAborted()
      failures += 1
      roundAtMs = 0
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
