import { CancellationScope, log, sleep } from '@temporalio/workflow'
import type { Activities } from '../activities/index.js'
import type { LeasePlace } from '../activities/lease-activities.js'
import type { HostActivities } from './activity-options.js'
import { wasCancelled } from './failures.js'

type Lease = Awaited<ReturnType<Activities['acquireCaptureLease']>>

/**
 * Runs `work` under a lease that is renewed three times in its life and released at the end, whatever the end is.
 * A renewal that fails is tried again at the next turn: the work goes on, for stopping a capture helps nobody.
 * @param acquire undefined: there is no lease, and the work goes on without
 */
export async function holdLease<T>(
  host: HostActivities,
  place: LeasePlace,
  acquire: () => Promise<Lease | undefined>,
  work: () => Promise<T>,
): Promise<T> {
  // Not ended by a cancelled workflow but by us: compensation is work under the lease as well, and may take its time.
  const renewal = await CancellationScope.nonCancellable(async () => new CancellationScope({ cancellable: true }))
  try {
    const lease = await acquire()
    if (lease === undefined) return await work()
    const renewing = renewal.run(() => keepRenewing(host, place, lease))
    try {
      return await work()
    } finally {
      renewal.cancel()
      await renewing
    }
  } finally {
    await CancellationScope.nonCancellable(() =>
      host.light(`release the lease in ${place.repository}`).releaseLease(place),
    ).catch((error: unknown) =>
      log.warn('a lease was not released; it ends by itself', { repository: place.repository, error: String(error) }),
    )
  }
}

async function keepRenewing(host: HostActivities, place: LeasePlace, first: Lease): Promise<void> {
  let lease = first
  for (;;) {
    try {
      await sleep(place.ttlMs / 3, { summary: `until the lease in ${place.repository} is renewed` })
      lease = await host.light(`renew the lease in ${place.repository}`).renewLease(place, lease)
    } catch (error) {
      if (wasCancelled(error)) return
      log.warn('a lease was not renewed', { repository: place.repository, error: String(error) })
    }
  }
}
