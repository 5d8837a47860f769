import { Context } from '@temporalio/activity'
import type { Lease } from '../catalog/lease.js'
import type { Composition } from '../composition/compose.js'
import type { BackupId, RepositoryName, SystemName } from '../domain/ids.js'
import { currentRun } from './current-run.js'
import { pulsing } from './pulsing.js'

/** Where a lease lies: one system's, in one repository. */
export interface LeasePlace {
  readonly system: SystemName
  readonly repository: RepositoryName
  /** How long it lasts unless renewed. */
  readonly ttlMs: number
}

/** Leases keep two captures of one system apart, and what is being read from being swept away. */
export function createLeaseActivities(composition: Composition) {
  const at = ({ system, repository }: LeasePlace) => composition.leases(system, repository)
  return pulsing({
    /** @throws SYSTEM_BUSY naming the holder */
    async acquireCaptureLease({ ttlMs, ...place }: LeasePlace): Promise<Lease> {
      return (await at({ ttlMs, ...place })).acquireExclusive({ holder: currentRun(), ttlMs }, call())
    },
    /** @throws NOT_FOUND when the backup is not there or about to be removed */
    async acquireReadLease({ backup, ...place }: LeasePlace & { readonly backup: BackupId }): Promise<Lease> {
      return (await at(place)).acquireShared({ holder: currentRun(), backups: [backup], ttlMs: place.ttlMs }, call())
    },
    async renewLease(place: LeasePlace, lease: Lease): Promise<Lease> {
      return (await at(place)).renew(lease, { ttlMs: place.ttlMs }, call())
    },
    /** Whatever this run holds there, also when the answer to acquiring it was lost. */
    async releaseLease(place: LeasePlace): Promise<void> {
      await (await at(place)).release(currentRun(), call())
    },
  })
}

function call(): { signal: AbortSignal } {
  return { signal: Context.current().cancellationSignal }
}
