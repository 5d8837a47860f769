import type { ObjectKey } from '../../domain/ids.js'
import { compareLsn, type Lsn, lsnToBytes } from '../../domain/lsn.js'
import { parseSegmentName, segmentStart } from '../../domain/wal.js'
import { comparePositions, type WalPosition } from '../../domain/wal-position.js'
import { type SealedFile, timelineOf } from './sealed-files.js'
import type { Archived, SpoolState, WalSample } from './spool.js'

/** WAL between two places. */
export interface Gap {
  readonly from: WalPosition
  readonly to: WalPosition
}

/** What a repository holds without a gap, and what keeps it from holding more. */
export interface Advance {
  readonly archived: Archived
  /** Between what it holds and what waits; undefined where nothing is missing. */
  readonly gap?: Gap
}

/**
 * Files arrive in any order; what counts is how far they are there without a gap.
 * @param files what waits, in the order of the WAL
 */
export function advanceArchived(
  before: Archived,
  files: readonly SealedFile[],
  isThere: (key: ObjectKey) => boolean,
  state: SpoolState,
): Advance {
  let { position, ends } = before
  let waits = false
  for (const file of files) {
    if (file.kind !== 'history') {
      const timeline = timelineOf(file)
      const { number } = parseSegmentName(file.file, state.segmentSizeBytes)
      const start = { timeline, lsn: segmentStart(number, state.segmentSizeBytes) }
      const end = { timeline, lsn: file.kind === 'partial' ? file.endLsn : segmentStart(number + 1n, state.segmentSizeBytes) }
      if (lsnToBytes(start.lsn) > lsnToBytes(position.lsn) && comparePositions(start, position) > 0) {
        // Nothing is missing before a partial segment yet: what comes before it may be on its way.
        if (file.kind === 'partial') break
        return { archived: { ...before, position, ends }, gap: { from: position, to: start } }
      }
      if (!isThere(file.key)) {
        waits = true
        break
      }
      ends = { ...ends, [timeline]: furthest(ends[timeline], end.lsn) }
      if (file.kind === 'segment' && comparePositions(end, position) > 0) position = end
    } else if (!isThere(file.key)) {
      waits = true
      break
    }
  }
  const archived = { ...before, position, ends }
  // Everything before `received` was sealed once: what is not waiting any more is gone, even while nothing new comes.
  const isBehind = comparePositions(state.received, position) > 0 && compareLsn(state.received.lsn, position.lsn) > 0
  return isBehind && !waits ? { archived, gap: { from: position, to: state.received } } : { archived }
}

/** Whether a repository that holds so much proves that a moment can be restored. */
export function isProven({ ends }: Archived, { timeline, lsn }: WalSample): boolean {
  const end = ends[timeline]
  return end !== undefined && compareLsn(lsn, end) <= 0
}

function furthest(a: Lsn | undefined, b: Lsn): Lsn {
  return a !== undefined && compareLsn(a, b) > 0 ? a : b
}
