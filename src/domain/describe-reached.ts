import type { ReachedPoint } from './operations.js'

/** `recovered to 16/B374D848, last transaction at 2026-01-10T03:29:59.998213Z` */
export function describeReached({ lsn, at }: ReachedPoint): string {
  return `recovered to ${lsn}${at === undefined ? '' : `, last transaction at ${at}`}`
}
