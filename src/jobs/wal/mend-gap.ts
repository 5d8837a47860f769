import type { Catalog } from '../../catalog/catalog.js'
import type { Repository } from '../../composition/repository.js'
import { HoldfastError } from '../../domain/errors.js'
import type { SystemName } from '../../domain/ids.js'
import type { KeyRing } from '../../domain/keys.js'
import { lsnToBytes } from '../../domain/lsn.js'
import { parseSegmentName, type WalObject } from '../../domain/wal.js'
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
  readonly spool: Pick<Spool, 'directory'>
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
  const { system, state, gap, target, catalog: own, helpers, signal } = mending
  const size = BigInt(state.segmentSizeBytes)
  const [first, end] = [lsnToBytes(gap.from.lsn) / size, lsnToBytes(gap.to.lsn) / size]
  const missing = new Set<bigint>()
  for (let number = first; number < end; number += 1n) missing.add(number)
  for (const { repository, catalog } of [{ repository: target, catalog: own }, ...helpers]) {
    if (missing.size === 0) break
    for await (const object of catalog.wal.list(system, { signal })) {
      const number = numberIn(object, gap, state)
      if (number === undefined || !missing.has(number)) continue
      if (repository === target || (await isCopied(mending, repository, object))) missing.delete(number)
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

function numberIn(object: WalObject, { from, to }: Gap, { systemIdentifier, segmentSizeBytes }: SpoolState): bigint | undefined {
  if (object.kind !== 'segment' || object.systemIdentifier !== systemIdentifier) return undefined
  const { timeline, number } = parseSegmentName(object.file, segmentSizeBytes)
  return timeline >= from.timeline && timeline <= to.timeline ? number : undefined
}
