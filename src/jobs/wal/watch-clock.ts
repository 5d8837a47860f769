import type { Conditions } from '../../domain/condition.js'
import type { WalLook, WalServer } from '../../engines/wal-source.js'

/** What clocks differ by that nobody minds, with the time a look takes. */
const toleranceMs = 60_000

/**
 * Moments are those of the server's clock. One that was set forward for a while has proven moments that are still to come: nothing newer is
 * proven until then, and an archive that stands still does not show.
 */
export function watchClock(conditions: Conditions, { label }: WalServer, { at }: WalLook, nowMs: number): void {
  const aheadMs = Date.parse(at) - nowMs
  if (Math.abs(aheadMs) <= toleranceMs) {
    conditions.clear('clock')
    return
  }
  const message = `the clock of ${label} is more than a minute ${aheadMs > 0 ? 'ahead of' : 'behind'} this host's`
  const hint =
    'times of restores are those of that clock: see which of the two is wrong, and take a full backup once it has been mended'
  conditions.raise('clock', 'SOURCE_UNSUITABLE', message, hint)
}
