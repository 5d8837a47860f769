import { buffer } from 'node:stream/consumers'
import type { Catalog } from '../../catalog/catalog.js'
import type { Repository } from '../../composition/repository.js'
import { HoldfastError } from '../../domain/errors.js'
import type { SystemName } from '../../domain/ids.js'
import { lsnToBytes } from '../../domain/lsn.js'
import { parseSegmentName, type WalObject } from '../../domain/wal.js'
import type { Gap } from './archived-position.js'
import type { SpoolState } from './spool.js'

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
  readonly signal: AbortSignal
}

/**
 * Fills a gap in one repository with what it has itself, from before the spool, and from the others: the same objects under the
 * same keys, as they are.
 * @returns how many segments none of them has
 * @throws STORE_UNAVAILABLE and others, when one that may have them cannot be asked
 */
export async function mendGap({ system, state, gap, target, catalog: own, helpers, signal }: Mending): Promise<number> {
  const size = BigInt(state.segmentSizeBytes)
  const [first, end] = [lsnToBytes(gap.from.lsn) / size, lsnToBytes(gap.to.lsn) / size]
  const missing = new Set<bigint>()
  for (let number = first; number < end; number += 1n) missing.add(number)
  for (const { repository, catalog } of [{ repository: target, catalog: own }, ...helpers]) {
    if (missing.size === 0) break
    for await (const object of catalog.wal.list(system, { signal })) {
      const number = numberIn(object, gap, state)
      if (number === undefined || !missing.has(number)) continue
      if (repository !== target) await copy(repository, target, object, signal)
      missing.delete(number)
    }
  }
  return missing.size
}

function numberIn(object: WalObject, { from, to }: Gap, { systemIdentifier, segmentSizeBytes }: SpoolState): bigint | undefined {
  if (object.kind !== 'segment' || object.systemIdentifier !== systemIdentifier) return undefined
  const { timeline, number } = parseSegmentName(object.file, segmentSizeBytes)
  return timeline >= from.timeline && timeline <= to.timeline ? number : undefined
}

async function copy(from: Repository, to: Repository, { key }: WalObject, signal: AbortSignal): Promise<void> {
  const bytes = await buffer(await from.store.get(key, { signal }))
  try {
    await to.store.put(key, bytes, { ifAbsent: true, signal })
  } catch (error) {
    if (!(error instanceof HoldfastError && error.code === 'ALREADY_EXISTS')) throw error
  }
}
