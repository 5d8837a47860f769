import { HoldfastError } from '../domain/errors.js'
import type { BackupId, SystemName } from '../domain/ids.js'
import type { CallOptions, Store } from '../storage/store.js'
import { manifestKey, tombstoneKey } from './keys.js'
import type { Lease, LeaseHolder, LiveLease } from './lease.js'
import { holderTag, type LeaseKey } from './lease-keys.js'
import { createLeaseShelf, type LeaseShelf } from './lease-shelf.js'

export interface LeaseRequest {
  readonly holder: LeaseHolder
  /** How long it lasts unless renewed; renew about three times in it. */
  readonly ttlMs: number
}

/**
 * Leases of one system in one repository, kept as objects in its store.
 *
 * Exclusive, with nothing but puts, deletes and strongly consistent listings: (1) put your own lease, (2) list, (3) if anybody
 * else's is there, take yours back and give up. Suppose two succeeded. Neither listing held the other's lease, so each listing
 * began before the other's put had ended. But each puts before it lists: A put < A list < B put < B list < A put cannot be.
 * Two that arrive together may both give up; callers try again after a random pause. There is no rule for who wins (say, the
 * older): a late arrival that wins by such a rule would not be seen by the one who has already looked.
 *
 * Three things make the argument hold over time. A renewal is a new object, and the one before it stays until the next renewal,
 * so that at no moment of a listing is there none. A lease counts for others until its expiry *and* the clock skew are over, for its
 * holder only until its expiry. A holder who finds, after its put or its listing, that its time was over begins again from (1).
 */
export interface Leases {
  /** For a capture. The same holder again is success. @throws SYSTEM_BUSY naming who, since when, until when */
  acquireExclusive(request: LeaseRequest, options?: CallOptions): Promise<Lease>
  /** For reading backups. @throws NOT_FOUND when one of them is not there, or is about to be removed */
  acquireShared(request: LeaseRequest & { readonly backups: readonly BackupId[] }, options?: CallOptions): Promise<Lease>
  /** Makes a lease last `ttlMs` from now. If it had run out it is acquired anew. @throws as acquiring does */
  renew(lease: Lease, request: Pick<LeaseRequest, 'ttlMs'>, options?: CallOptions): Promise<Lease>
  /** Removes every lease of the holder. None there is success. */
  release(holder: LeaseHolder, options?: CallOptions): Promise<void>
  /** All that count now, the newest of each row of renewals. Removes nothing. */
  live(options?: CallOptions): Promise<LiveLease[]>
}

interface LeasesOptions {
  readonly store: Store
  readonly system: SystemName
  readonly now: () => Date
  /** Most that the clocks of two hosts may differ. */
  readonly clockSkewMs: number
}

export function createLeases(options: LeasesOptions): Leases {
  const shelf = createLeaseShelf(options)
  const { store, system, now } = options

  async function acquireExclusive({ holder, ttlMs }: LeaseRequest, call?: CallOptions): Promise<Lease> {
    const lease = await shelf.put({ purpose: 'capture', holder, backups: [], ttlMs }, call)
    const { others, own } = await shelf.look(lease, call)
    const [rival] = others
    if (rival === undefined && own !== undefined && isRunning(lease)) return lease
    // Only what this call put: another try of the same activity may have got the lease meanwhile.
    await shelf.removeExactly(lease, call)
    throw rival === undefined ? tooLate(system, lease) : await busy(system, shelf, rival, call)
  }

  async function acquireShared(
    request: LeaseRequest & { readonly backups: readonly BackupId[] },
    call?: CallOptions,
  ): Promise<Lease> {
    const lease = await shelf.put({ ...request, purpose: 'read' }, call)
    // Whoever removes a backup puts the tombstone first and looks for leases then; we put the lease first and look for tombstones
    // then. One of the two sees the other. The manifest tells of a removal that is over, tombstone and all.
    const gone = await firstGone(store, request.backups, call)
    if (gone === undefined && isRunning(lease)) return lease
    await shelf.removeExactly(lease, call)
    throw gone === undefined ? tooLate(system, lease) : gone
  }

  async function renew(lease: Lease, { ttlMs }: Pick<LeaseRequest, 'ttlMs'>, call?: CallOptions): Promise<Lease> {
    const { own } = await shelf.look(lease, call)
    if (own !== undefined && isBefore(own.expiresAt)) {
      const renewed = await shelf.put({ ...lease, ttlMs }, call)
      // Stored while the one before still counted for everybody: no one can have come in between.
      if (isBefore(own.expiresAt)) {
        await shelf.removeOlderThan(own, call)
        return renewed
      }
      await shelf.removeExactly(renewed, call)
    }
    const { holder, backups } = lease
    return lease.purpose === 'capture'
      ? acquireExclusive({ holder, ttlMs }, call)
      : acquireShared({ holder, ttlMs, backups }, call)
  }

  function isRunning(lease: Lease): boolean {
    return isBefore(new Date(lease.expiresAt))
  }

  function isBefore(moment: Date): boolean {
    return now().getTime() < moment.getTime()
  }

  return {
    acquireExclusive,
    acquireShared,
    renew,
    release: (holder, call) => shelf.remove((found) => found.holder === holderTag(holder), call),
    live: (call) => shelf.live(call),
  }
}

async function firstGone(store: Store, backups: readonly BackupId[], call?: CallOptions): Promise<HoldfastError | undefined> {
  for (const id of backups) {
    if ((await store.head(tombstoneKey(id), call)) !== undefined) {
      return new HoldfastError('NOT_FOUND', `backup ${id} is being removed from ${store.description}`)
    }
    if ((await store.head(manifestKey(id), call)) === undefined) {
      return new HoldfastError('NOT_FOUND', `there is no backup ${id} in ${store.description}`)
    }
  }
  return undefined
}

async function busy(system: SystemName, shelf: LeaseShelf, rival: LeaseKey, call?: CallOptions): Promise<HoldfastError> {
  const lease = await shelf.read(rival, call)
  const { workflowId, runId } = lease.holder
  const message = `system "${system}" is held by ${workflowId} (run ${runId}) since ${lease.since}; its lease ends at ${lease.expiresAt} unless renewed`
  return new HoldfastError('SYSTEM_BUSY', message, {
    details: { system, workflowId, runId, since: lease.since, expiresAt: lease.expiresAt },
  })
}

function tooLate(system: SystemName, lease: Lease): HoldfastError {
  return new HoldfastError(
    'SYSTEM_BUSY',
    `the lease of ${lease.holder.workflowId} on system "${system}" ran out before it was confirmed`,
    {
      hint: 'the store answered too slowly, or this machine stood still; it is tried again',
    },
  )
}
