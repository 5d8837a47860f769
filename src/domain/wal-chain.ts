import type { LineagePiece } from './timeline-history.js'
import type { ClusterWal, TimelineWal } from './wal-inventory.js'

/** A row of segments of one timeline, both numbers inclusive. */
export interface ChainPiece {
  readonly timeline: number
  readonly first: number
  readonly last: number
}

/** The unbroken WAL from a position on. */
export interface WalChain {
  readonly pieces: readonly ChainPiece[]
  /** The first byte that is not there; the position itself where nothing follows it. */
  readonly end: bigint
  /** What the last piece ends with. */
  readonly lastKind: 'segment' | 'partial'
  /** The segment that would have to be there, whole, for the chain to go on. */
  readonly brokenAt: number
}

/**
 * Follows the WAL of a lineage. A segment that holds a switch of timelines is there under the old or the new one, for PostgreSQL copies
 * its head when it is promoted; the file that reaches furthest is taken, the newer timeline's where several do, as PostgreSQL does.
 */
export function followChain(wal: ClusterWal, lineage: readonly LineagePiece[], from: bigint): WalChain {
  const size = BigInt(wal.segmentSizeBytes)
  const pieces: ChainPiece[] = []
  let end = from
  let number = Number(from / size)
  let lastKind: WalChain['lastKind'] = 'segment'
  while (true) {
    const file = furthest(filesAt(wal, lineage, number))
    if (file === undefined || file.end <= end) return { pieces, end, lastKind, brokenAt: number }
    append(pieces, { timeline: file.timeline, first: number, last: file.last })
    end = file.end
    lastKind = file.kind
    if (end < BigInt(file.last + 1) * size) return { pieces, end, lastKind, brokenAt: number }
    number = file.last + 1
  }
}

/** Pieces of a lineage that have part in a segment, the newest timeline first. */
export function piecesIn(lineage: readonly LineagePiece[], number: number, segmentSizeBytes: number): LineagePiece[] {
  const start = BigInt(number) * BigInt(segmentSizeBytes)
  const next = start + BigInt(segmentSizeBytes)
  return lineage.filter(({ begin, end }) => begin < next && (end === undefined || end > start)).toReversed()
}

interface ChainFile {
  readonly timeline: number
  readonly kind: 'segment' | 'partial'
  /** The last of the row of whole segments it begins. */
  readonly last: number
  /** Up to where its bytes are those of the lineage. */
  readonly end: bigint
}

function filesAt(wal: ClusterWal, lineage: readonly LineagePiece[], number: number): ChainFile[] {
  return piecesIn(lineage, number, wal.segmentSizeBytes).flatMap((piece) => {
    const found = wal.timelines.get(piece.timeline)
    const file = found === undefined ? undefined : fileOf(piece, found, number, wal.segmentSizeBytes)
    return file === undefined ? [] : [file]
  })
}

function fileOf(
  { timeline, end }: LineagePiece,
  { segments, partialEnd }: TimelineWal,
  number: number,
  segmentSizeBytes: number,
): ChainFile | undefined {
  const size = BigInt(segmentSizeBytes)
  const runEnd = segments.runEnd(number)
  if (runEnd !== undefined) {
    // Behind the switch the timeline's own segments are another history's.
    const last = end === undefined ? runEnd : Math.max(number, Math.min(runEnd, Number(end / size) - 1))
    return { timeline, kind: 'segment', last, end: earlier(BigInt(last + 1) * size, end) }
  }
  // Two contents under the segment's name: nobody knows whose partial this is.
  if (segments.state(number) === 'conflict') return undefined
  const reached = partialEnd(number)
  return reached === undefined ? undefined : { timeline, kind: 'partial', last: number, end: earlier(reached, end) }
}

function furthest(files: readonly ChainFile[]): ChainFile | undefined {
  let best: ChainFile | undefined
  for (const file of files) if (best === undefined || file.end > best.end) best = file
  return best
}

function earlier(a: bigint, b: bigint | undefined): bigint {
  return b === undefined || a < b ? a : b
}

function append(pieces: ChainPiece[], next: ChainPiece): void {
  const last = pieces.at(-1)
  if (last !== undefined && last.timeline === next.timeline) pieces[pieces.length - 1] = { ...last, last: next.last }
  else pieces.push(next)
}
