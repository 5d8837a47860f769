import { parseWalKey } from '../../catalog/wal-keys.js'
import { HoldfastError } from '../../domain/errors.js'
import { type ObjectKey, parseObjectKey } from '../../domain/ids.js'
import { compareLsn } from '../../domain/lsn.js'
import { parseSegmentName, segmentStart } from '../../domain/wal.js'
import type { CallOptions, Store } from '../../storage/store.js'
import type { Gap } from './archived-position.js'
import { timelineOf } from './sealed-files.js'
import type { Archived, SpoolState } from './spool.js'

/**
 * Removes partial segments a repository has something better of: the segment, or a longer part of it. The last one of a timeline
 * that was left stays for ever, and so does one at the beginning of a gap.
 * @returns what is known of the others
 * @throws STORE_DENIED, STORE_UNAVAILABLE when something is still there
 */
export async function removePartials(
  store: Store,
  archived: Archived,
  state: SpoolState,
  options: CallOptions,
): Promise<Archived> {
  const useless = archived.partials.filter((key) => isSuperseded(key, archived, state)).map(parseObjectKey)
  if (useless.length === 0) return archived
  const results = await store.delete(useless, options)
  const failed = results.find(({ outcome }) => outcome === 'failed')
  if (failed?.outcome === 'failed')
    throw new HoldfastError('STORE_UNAVAILABLE', `${failed.key} cannot be removed: ${failed.message}`)
  return { ...archived, partials: archived.partials.filter((key) => !useless.includes(key as ObjectKey)) }
}

function isSuperseded(key: string, { partials, position, ends, gaps }: Archived, { segmentSizeBytes }: SpoolState): boolean {
  const own = parseWalKey(key)?.identity
  if (own?.kind !== 'partial') return false
  const timeline = timelineOf(own)
  const { number } = parseSegmentName(own.file, segmentSizeBytes)
  const [start, end] = [segmentStart(number, segmentSizeBytes), segmentStart(number + 1n, segmentSizeBytes)]
  // Whatever comes after the gap, nothing better of this segment does: what was committed last before it is here alone.
  const isIn = ({ from, to }: Gap) => compareLsn(from.lsn, start) <= 0 && compareLsn(start, to.lsn) < 0
  if (gaps.some((gap) => gap.from.timeline === timeline && isIn(gap))) return false
  // Of a timeline that was left, whole segments only count where they are known to be there.
  const known = ends[timeline]
  if (timeline <= position.timeline && known !== undefined && compareLsn(known, end) >= 0) return true
  return partials.some((each) => {
    const other = parseWalKey(each)?.identity
    // Listed before it is sent: it counts once it is there.
    const isThere = other?.kind === 'partial' && known !== undefined && compareLsn(known, other.endLsn) >= 0
    return isThere && other.file === own.file && compareLsn(other.endLsn, own.endLsn) > 0
  })
}
