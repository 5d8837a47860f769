import type { BackupId } from './ids.js'
import { compareLsn, type Lsn, lsnToBytes } from './lsn.js'
import type { Manifest } from './manifest.js'
import { microsOf } from './moment.js'
import type { Recovery, RecoveryCandidate, RecoveryQuestion } from './plan-recovery.js'
import type { RestoreTarget } from './recovery-target.js'
import type { RecoveryWindow, WalPiece, WindowBase, WindowSpan } from './recovery-window.js'
import { surroundingsOf } from './timeline-at.js'
import { parseSegmentName, segmentName, segmentNumberAt } from './wal.js'

/** One repository's answer to the question. */
export interface Way {
  readonly candidate: RecoveryCandidate
  readonly manifest: Manifest
  readonly span: WindowSpan
  readonly recovery: Recovery
}

export function waysIn(candidate: RecoveryCandidate, question: RecoveryQuestion): Way[] {
  const ways = spansFor(candidate.window, question).flatMap((span): Way[] => {
    const base = span.bases.findLast((known) => suits(known, span, question))
    const manifest = candidate.manifests.find(({ backup }) => backup === base?.backup)
    if (base === undefined || manifest === undefined || 'dumps' in manifest.facts) return []
    const { segmentSizeBytes } = manifest.facts
    return [{ candidate, manifest, span, recovery: recoveryFrom(base, span, segmentSizeBytes, question.target) }]
  })
  // The last is that with the newest base; what names a moment has one at most, but for clusters that followed each other.
  return ways.slice(-1)
}

function spansFor(window: RecoveryWindow, question: RecoveryQuestion): WindowSpan[] {
  const { target, timeline, base } = question
  if (target.kind === 'backup') return ownSpans(window.spans, target.backup)
  if (target.kind === 'time' && timeline === undefined) return spansAt(target.time, window, question)
  const wanted = window.spans.filter((span) => (timeline === undefined ? isCurrent(span, window) : span.timeline === timeline))
  // A time tells of which cluster it is; what else there is means the one there is now, unless a base says otherwise.
  const everyCluster = target.kind === 'time' || base !== undefined
  const cluster = window.spans.at(-1)?.systemIdentifier
  return wanted.filter(({ systemIdentifier }) => everyCluster || systemIdentifier === cluster)
}

/** On the way to timelines that have what was committed then. */
function spansAt(time: string, window: RecoveryWindow, { candidates }: RecoveryQuestion): WindowSpan[] {
  const windows = candidates.map((candidate) => candidate.window)
  return [...new Set(window.spans.map(({ systemIdentifier }) => systemIdentifier))].flatMap((systemIdentifier) => {
    const spans = window.spans.filter((span) => span.systemIdentifier === systemIdentifier)
    const current = window.timelines.find((known) => known.current && known.systemIdentifier === systemIdentifier)?.timeline ?? 0
    const surroundings = surroundingsOf(time, systemIdentifier, windows)
    return spans.filter(({ timeline }) => timeline <= current && surroundings?.holds(timeline) === true)
  })
}

/** On the way to the timeline the backup was taken on. */
function ownSpans(spans: readonly WindowSpan[], backup: BackupId): WindowSpan[] {
  return spans.filter(({ bases, timeline }) => bases.some((base) => base.backup === backup && base.timeline === timeline))
}

/** On the way to the current timeline of its cluster. */
export function isCurrent({ systemIdentifier, timeline }: WindowSpan, { timelines }: RecoveryWindow): boolean {
  return timelines.some((known) => known.current && known.timeline === timeline && known.systemIdentifier === systemIdentifier)
}

/** Whether a recovery from this base reaches the target without leaving the span. */
export function suits(known: WindowBase, span: WindowSpan, { target, base }: RecoveryQuestion): boolean {
  if (base !== undefined && known.backup !== base) return false
  switch (target.kind) {
    case 'backup':
      return known.backup === target.backup
    case 'time':
      return isProven(microsOf(target.time), known, span)
    case 'lsn':
      return compareLsn(known.stopLsn, target.lsn) <= 0 && compareLsn(target.lsn, span.archivedTo) <= 0
    case 'latest':
    case 'xid':
    case 'name':
      return true
  }
}

/** The end of a backup is the moment it is known for, whatever else is proven. */
function isProven(at: number, known: WindowBase, { markedTo }: WindowSpan): boolean {
  const end = microsOf(known.stoppedAt)
  return at === end || (markedTo !== undefined && end <= at && at <= microsOf(markedTo.at))
}

function recoveryFrom(base: WindowBase, span: WindowSpan, segmentSizeBytes: number, target: RestoreTarget): Recovery {
  const { systemIdentifier } = span
  const common = { systemIdentifier, segmentSizeBytes, target, startLsn: base.startLsn }
  if (target.kind === 'backup') {
    const { timeline, stopLsn, stoppedAt } = base
    return { ...common, timeline, needsHistory: false, pieces: [], endLsn: stopLsn, endAt: stoppedAt }
  }
  const pieces = compareLsn(span.archivedTo, base.stopLsn) > 0 ? piecesFrom(span.pieces, base.stopLsn, segmentSizeBytes) : []
  const firstSegment = pieces[0]?.firstSegment
  return {
    ...common,
    timeline: span.timeline,
    // Without archived WAL the base ends on its own timeline, the history of which is in it.
    needsHistory: span.timeline > 1 && pieces.length > 0,
    pieces,
    ...(firstSegment === undefined || span.lastFile === undefined ? {} : { firstSegment, lastFile: span.lastFile }),
    endLsn: compareLsn(span.to.lsn, base.stopLsn) > 0 ? span.to.lsn : base.stopLsn,
    endAt: span.to.at,
  }
}

/** What a base needs of the pieces that an older one needs: those from the segment on in which it ends. */
function piecesFrom(pieces: readonly WalPiece[], stopLsn: Lsn, segmentSizeBytes: number): WalPiece[] {
  const first = segmentNumberAt(stopLsn, segmentSizeBytes)
  return pieces.flatMap((piece) => {
    const [begin, end] = numbersOf(piece, segmentSizeBytes)
    if (end < first) return []
    return begin >= first ? [piece] : [{ ...piece, firstSegment: nameOf(piece.timeline, first, segmentSizeBytes) }]
  })
}

/** Whether a repository whose own answer is `other` can serve `mine`, as far as it is proven. */
export function reads(other: Recovery, mine: Recovery): boolean {
  const { segmentSizeBytes } = mine
  const end = lsnToBytes(mine.endLsn)
  if (lsnToBytes(other.endLsn) < end || other.timeline !== mine.timeline) return false
  const needed = end === 0n ? 0n : (end - 1n) / BigInt(segmentSizeBytes)
  return mine.pieces.every((piece) => {
    const [first, last] = numbersOf(piece, segmentSizeBytes)
    const lastNeeded = last < needed ? last : needed
    if (first > lastNeeded) return true
    return other.pieces.some((there) => {
      const [begin, close] = numbersOf(there, segmentSizeBytes)
      return there.timeline === piece.timeline && begin <= first && close >= lastNeeded
    })
  })
}

function numbersOf({ firstSegment, lastSegment }: WalPiece, segmentSizeBytes: number): readonly [bigint, bigint] {
  const [first, last] = [firstSegment, lastSegment].map((name) => parseSegmentName(name, segmentSizeBytes).number)
  return [first ?? 0n, last ?? 0n]
}

function nameOf(timeline: number, number: bigint, segmentSizeBytes: number): string {
  return segmentName({ timeline, number }, segmentSizeBytes)
}
