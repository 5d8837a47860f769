import { HoldfastError } from '../domain/errors.js'
import type { ObjectKey, SystemName } from '../domain/ids.js'
import type { CallOptions, Store } from '../storage/store.js'
import { leasesPrefix } from './keys.js'
import { decodeLease, encodeLease, type Lease, type LiveLease, leaseLimitBytes } from './lease.js'
import { holderTag, type LeaseKey, leaseKeyOf, parseLeaseKey, subjectTag } from './lease-keys.js'
import { readSmall } from './read-small.js'

export type LeaseDraft = Pick<Lease, 'purpose' | 'holder' | 'backups'> & {
  readonly ttlMs: number
  readonly since?: string
}

/** The objects behind leases: putting, listing and removing them. Who may hold what is decided in `leases.ts`. */
export interface LeaseShelf {
  /** Puts a new lease object. `since` left out: from now. */
  put(draft: LeaseDraft, call?: CallOptions): Promise<Lease>
  /** Everybody else's leases of the same purpose that count, and the holder's newest on the same backups. Expired ones are removed on the way. */
  look(lease: Lease, call?: CallOptions): Promise<{ readonly others: readonly LeaseKey[]; readonly own: LeaseKey | undefined }>
  /** The object of a key; what cannot be read is made up from the key. */
  read(found: LeaseKey, call?: CallOptions): Promise<LiveLease>
  remove(which: (found: LeaseKey) => boolean, call?: CallOptions): Promise<void>
  removeExactly(lease: Lease, call?: CallOptions): Promise<void>
  /** Removes the leases this one renewed, directly or not. */
  removeOlderThan(own: LeaseKey, call?: CallOptions): Promise<void>
  live(call?: CallOptions): Promise<LiveLease[]>
}

interface ShelfOptions {
  readonly store: Store
  readonly system: SystemName
  readonly now: () => Date
  readonly clockSkewMs: number
}

export function createLeaseShelf({ store, system, now, clockSkewMs }: ShelfOptions): LeaseShelf {
  async function put(draft: LeaseDraft, call?: CallOptions): Promise<Lease> {
    const { purpose, holder, backups, ttlMs } = draft
    const began = now()
    const since = draft.since ?? began.toISOString()
    const lease: Lease = {
      version: 1,
      purpose,
      holder,
      backups,
      since,
      expiresAt: new Date(began.getTime() + ttlMs).toISOString(),
    }
    await store.put(leaseKeyOf(system, lease), encodeLease(lease), { ...call, ifAbsent: true }).catch(ignoreTwin)
    return lease
  }

  async function look(lease: Lease, call?: CallOptions) {
    const found = await listed(call)
    await removeKeys(
      found.filter((item) => !counts(item)).map((item) => item.key),
      call,
    )
    const same = found.filter((item) => item.purpose === lease.purpose && counts(item))
    const mine = holderTag(lease.holder)
    const subject = subjectTag(lease.backups)
    return {
      others: same.filter((item) => item.holder !== mine),
      own: same.findLast((item) => item.holder === mine && item.subject === subject),
    }
  }

  async function read(found: LeaseKey, call?: CallOptions): Promise<LiveLease> {
    return (await tryRead(found, call)) ?? unreadable(found)
  }

  async function tryRead(found: LeaseKey, call?: CallOptions): Promise<Lease | undefined> {
    try {
      return decodeLease(await readSmall(store, found.key, leaseLimitBytes, call))
    } catch (error) {
      if (error instanceof HoldfastError && error.code === 'NOT_FOUND') return undefined
      throw error
    }
  }

  async function remove(which: (found: LeaseKey) => boolean, call?: CallOptions): Promise<void> {
    const found = (await listed(call)).filter(which)
    const refused = await removeKeys(
      found.map((item) => item.key),
      call,
    )
    if (refused !== undefined)
      throw new HoldfastError('STORE_UNAVAILABLE', `a lease could not be removed from ${store.description}: ${refused}`)
  }

  function removeExactly(lease: Lease, call?: CallOptions): Promise<void> {
    const key = leaseKeyOf(system, lease)
    return remove((found) => found.key === key, call)
  }

  function removeOlderThan(own: LeaseKey, call?: CallOptions): Promise<void> {
    return remove((found) => claimOf(found) === claimOf(own) && found.expiresAt < own.expiresAt, call)
  }

  async function live(call?: CallOptions): Promise<LiveLease[]> {
    // Ascending by expiry: the last of each claim wins.
    const newest = new Map((await listed(call)).filter(counts).map((item) => [claimOf(item), item]))
    return Promise.all([...newest.values()].map((item) => read(item, call)))
  }

  async function listed(call?: CallOptions): Promise<LeaseKey[]> {
    const found: LeaseKey[] = []
    for await (const { key } of store.list(leasesPrefix(system), call)) {
      const parsed = parseLeaseKey(key)
      if (parsed !== undefined) found.push(parsed)
    }
    return found
  }

  /** @returns what the store said about the first that is still there */
  async function removeKeys(keys: readonly ObjectKey[], call?: CallOptions): Promise<string | undefined> {
    if (keys.length === 0) return undefined
    const results = await store.delete(keys, call)
    return results.find((result) => result.outcome === 'failed')?.message
  }

  function counts(found: LeaseKey): boolean {
    return now().getTime() <= found.expiresAt.getTime() + clockSkewMs
  }

  return { put, look, read, remove, removeExactly, removeOlderThan, live }
}

function claimOf(found: LeaseKey): string {
  return `${found.purpose} ${found.holder} ${found.subject}`
}

// The key says holder, backups and expiry: what is there claims the same.
function ignoreTwin(error: unknown): void {
  if (!(error instanceof HoldfastError && error.code === 'ALREADY_EXISTS')) throw error
}

// Damaged, or gone since it was listed. Gone may mean renewed twice while this process stood still: it counts until the next look.
function unreadable(found: LeaseKey): LiveLease {
  const name = `an unreadable lease at ${found.key}`
  return {
    version: 1,
    purpose: found.purpose,
    holder: { workflowId: name, runId: 'unknown' },
    backups: 'unknown',
    since: 'unknown',
    expiresAt: found.expiresAt.toISOString(),
  }
}
