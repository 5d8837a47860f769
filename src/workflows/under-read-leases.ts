import type { RepositoryName } from '../domain/ids.js'
import type { ReadingPlan, RestoreChoice } from '../domain/plans.js'
import type { HostActivities } from './activity-options.js'
import { failureOf, wasCancelled } from './failures.js'
import { holdLease } from './hold-lease.js'

interface Reading {
  readonly host: HostActivities
  readonly plan: ReadingPlan
  readonly choice: RestoreChoice
}

/**
 * Every repository that may be read from keeps the backup for as long as `work` runs. One that was lost since the choice is left
 * out while another holds the backup. One that takes no lease from us, because our credentials only read, is read without:
 * on the worst day nothing may be in the way of a restore. The report says so; nothing may be removed there meanwhile.
 * @throws the last repository's failure when none is left
 */
export function underReadLeases<T>(reading: Reading, work: (held: RestoreChoice) => Promise<T>): Promise<T> {
  return leaseNext(reading, reading.choice.sources, { ...reading.choice, sources: [] }, work)
}

async function leaseNext<T>(
  reading: Reading,
  [repository, ...rest]: readonly RepositoryName[],
  held: RestoreChoice,
  work: (held: RestoreChoice) => Promise<T>,
): Promise<T> {
  if (repository === undefined) return work(held)
  const { host, plan, choice } = reading
  const place = { system: plan.system, repository, ttlMs: plan.timeouts.leaseMs }
  let next: RestoreChoice = { ...held, sources: [...held.sources, repository] }
  const acquire = async () => {
    try {
      return await host.light(`take a lease in ${repository}`).acquireReadLease({ ...place, backup: choice.backup })
    } catch (error) {
      const { code, message } = failureOf(error)
      const isLast = rest.length === 0 && held.sources.length === 0
      if (wasCancelled(error) || (isLast && code !== 'STORE_DENIED')) throw error
      const away = [...held.away, `${repository}: no lease: ${message} (${code})`]
      next = { ...(code === 'STORE_DENIED' ? next : held), away }
      return undefined
    }
  }
  return holdLease(host, place, acquire, () => leaseNext(reading, rest, next, work))
}
