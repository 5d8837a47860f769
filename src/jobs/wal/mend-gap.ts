import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Catalog } from '../../catalog/catalog.js'
import type { Repository } from '../../composition/repository.js'
import { HoldfastError } from '../../domain/errors.js'
import type { SystemName } from '../../domain/ids.js'
import type { KeyRing } from '../../domain/keys.js'
import { formatLsn, lsnToBytes } from '../../domain/lsn.js'
import { parseTimelineHistory, type TimelineHistory, timelineAt } from '../../domain/timeline-history.js'
import { historyFileName, segmentName, type WalObject } from '../../domain/wal.js'
import { toFilesystemError } from '../../storage/filesystem-errors.js'
import type { Gap } from './archived-position.js'
import { copyObject } from './copy-object.js'
import type { Spool, SpoolState } from './spool.js'

/** A repository that may hold what another lacks. */
export interface Helper {
  readonly repository: Repository
  readonly catalog: Catalog
}

interface Mending {
  readonly system: SystemName
  readonly state: SpoolState
  readonly gap: Gap
  readonly target: Repository
  readonly catalog: Catalog
  readonly helpers: readonly Helper[]
  readonly spool: Pick<Spool, 'directory' | 'incoming'>
  readonly keys: () => Promise<KeyRing>
  /** What another repository holds, and cannot be used. */
  readonly onUseless: (problem: HoldfastError) => void
  readonly signal: AbortSignal
}

/**
 * Fills a gap in one repository with what it has itself, from before the spool, and from the others: the same objects under the
 * same keys, as they are.
 * @returns how many segments none of them has whole
 * @throws STORE_UNAVAILABLE and others, when one that may have them cannot be asked
 */
export async function mendGap(mending: Mending): Promise<number> {
  const { system, state, target, catalog: own, helpers, signal } = mending
  const missing = new Set(await segmentsIn(mending))
  for (const { repository, catalog } of [{ repository: target, catalog: own }, ...helpers]) {
    if (missing.size === 0) break
    for await (const object of catalog.wal.list(system, { signal })) {
      if (object.kind !== 'segment' || object.systemIdentifier !== state.systemIdentifier || !missing.has(object.file)) continue
      if (repository === target || (await isCopied(mending, repository, object))) missing.delete(object.file)
    }
  }
  return missing.size
}

/** A key that is missing would hold everything up that comes after. */
const uselessness: ReadonlySet<string> = new Set(['ARTIFACT_DAMAGED', 'KEY_MISSING'])

/** @returns false where what it holds is of no use: yet another repository may have it whole */
async function isCopied(mending: Mending, from: Repository, object: WalObject): Promise<boolean> {
  const { system, target, spool, state, signal } = mending
  const { segmentSizeBytes } = state
  const keys = await mending.keys()
  try {
    await copyObject(from, target, object, { system, keys, segmentSizeBytes, directory: spool.directory, signal })
    return true
  } catch (error) {
    if (!(error instanceof HoldfastError && uselessness.has(error.code))) throw error
    const message = `${object.file} in repository ${from.name} cannot fill a gap: ${error.message}`
    mending.onUseless(new HoldfastError(error.code, message, { cause: error }))
    return false
  }
}

/**
 * Names of the segments that are missing. Across a promotion each is that of one timeline: the old primary may have written more
 * under the same numbers, which is no part of this way.
 */
async function segmentsIn({ spool, state: { segmentSizeBytes }, gap: { from, to } }: Mending): Promise<string[]> {
  const history = from.timeline === to.timeline ? undefined : await historyOf(spool, to.timeline)
  const size = BigInt(segmentSizeBytes)
  const names: string[] = []
  for (let number = lsnToBytes(from.lsn) / size; number < lsnToBytes(to.lsn) / size; number += 1n) {
    const timeline = history === undefined ? to.timeline : timelineAt(history, formatLsn((number + 1n) * size - 1n))
    names.push(segmentName({ timeline, number }, segmentSizeBytes))
  }
  return names
}

/** @throws NOT_FOUND while it has not been received yet */
async function historyOf({ incoming }: Pick<Spool, 'incoming'>, timeline: number): Promise<TimelineHistory> {
  const path = join(incoming, historyFileName(timeline))
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw toFilesystemError(error, `reading ${path}`)
  })
  return parseTimelineHistory(text, timeline)
}
