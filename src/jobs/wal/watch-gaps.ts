import type { Catalog } from '../../catalog/catalog.js'
import type { Conditions } from '../../domain/condition.js'
import type { RepositoryName, SystemName } from '../../domain/ids.js'
import { compareLsn, lsnToBytes } from '../../domain/lsn.js'
import { formatBytes } from '../../domain/quantity.js'
import type { Archived } from './spool.js'

type Gap = Archived['gaps'][number]

const lookEveryMs = 5_000
const dayMs = 86_400_000

/**
 * Tells of WAL that is missing for ever, until a full backup that began after it is there: from that one
 * on there is no gap.
 */
export function createGapWatch(
  catalog: Pick<Catalog, 'list'>,
  system: SystemName,
  conditions: Conditions,
  repository: RepositoryName,
): (known: Pick<Archived, 'gaps'>, signal: AbortSignal) => Promise<void> {
  let [lookAtMs, lookedFor, covered] = [0, '', '']
  return async ({ gaps }, signal) => {
    const gap = gaps.at(-1)
    if (gap === undefined || gap.at === covered) {
      conditions.clear('gap')
      return
    }
    // Looked at before it is told: a process that has just begun does not know of the backup yet.
    if (gap.at !== lookedFor || performance.now() >= lookAtMs) {
      lookedFor = gap.at
      lookAtMs = performance.now() + lookEveryMs
      if (await hasLaterBackup(catalog, system, gap, signal)) {
        covered = gap.at
        conditions.clear('gap')
        return
      }
    }
    const bytes = Number(lsnToBytes(gap.to.lsn) - lsnToBytes(gap.from.lsn))
    const message = `repository ${repository} lacks, and no other has, WAL from ${gap.from.lsn} to ${gap.to.lsn} (${formatBytes(bytes)})`
    conditions.raise('gap', 'WAL_GAP', message)
  }
}

async function hasLaterBackup(
  catalog: Pick<Catalog, 'list'>,
  system: SystemName,
  { to, at }: Gap,
  signal: AbortSignal,
): Promise<boolean> {
  for await (const entry of catalog.list({ system, kind: 'full', after: new Date(Date.parse(at) - dayMs) }, { signal })) {
    if ('problem' in entry || 'dumps' in entry.manifest.facts) continue
    const { timeline, startLsn } = entry.manifest.facts
    if (timeline >= to.timeline && compareLsn(startLsn, to.lsn) >= 0) return true
  }
  return false
}
