import type { Base, Cluster, Path } from './cluster-paths.js'
import { formatLsn, lsnToBytes } from './lsn.js'
import type { Mark } from './mark.js'
import { microsOf } from './moment.js'
import type { WindowBase, WindowMoment, WindowSpan } from './recovery-window.js'
import type { LineagePiece } from './timeline-history.js'
import { segmentName } from './wal.js'
import { followChain, type WalChain } from './wal-chain.js'

/** A span with what it was computed from, for who asks what is missing behind it. */
export interface ProvenSpan {
  readonly span: WindowSpan
  readonly chain: WalChain
  readonly path: Path
}

/** The spans on the way to one timeline, ascending. */
export function spansOn(cluster: Cluster, path: Path): ProvenSpan[] {
  const spans: ProvenSpan[] = []
  let bases: Base[] = []
  let chain: WalChain | undefined
  for (const base of basesOn(cluster, path)) {
    const stop = lsnToBytes(base.facts.stopLsn)
    if (chain === undefined || stop > chain.end) {
      if (chain !== undefined) spans.push(provenSpan(cluster, path, bases, chain))
      bases = []
      chain = chainFrom(cluster, path, base)
    }
    bases.push(base)
  }
  if (chain !== undefined) spans.push(provenSpan(cluster, path, bases, chain))
  return spans
}

/** Whether a mark says something of the way to a timeline, and if so of which position. */
export function isOnLineage(mark: Pick<Mark, 'timeline' | 'lsn'>, lineage: readonly LineagePiece[]): boolean {
  const piece = lineage.find(({ timeline }) => timeline === mark.timeline)
  if (piece === undefined) return false
  const position = lsnToBytes(mark.lsn)
  // At the very switch it may be of the old server, that stood still there while the new one was at work.
  return position >= piece.begin && (piece.end === undefined || position < piece.end)
}

// A base that ended behind the switch is part of the old timeline's own history alone.
function basesOn({ bases }: Cluster, { timeline, lineage }: Path): Base[] {
  const usable = bases.filter(({ facts }) => {
    if (lineage === undefined) return facts.timeline === timeline
    const piece = lineage.find((candidate) => candidate.timeline === facts.timeline)
    return piece !== undefined && (piece.end === undefined || lsnToBytes(facts.stopLsn) <= piece.end)
  })
  return usable.toSorted((a, b) => compare(lsnToBytes(a.facts.stopLsn), lsnToBytes(b.facts.stopLsn)))
}

function chainFrom({ wal, segmentSizeBytes }: Cluster, { lineage }: Path, { facts }: Base): WalChain {
  const from = lsnToBytes(facts.stopLsn)
  const archived = lineage !== undefined && facts.segmentSizeBytes === segmentSizeBytes
  return followChain(wal, archived ? lineage : [], from)
}

function provenSpan(cluster: Cluster, path: Path, bases: readonly Base[], chain: WalChain): ProvenSpan {
  const { systemIdentifier, segmentSizeBytes } = cluster
  const ends = bases.map(({ manifest, facts }): WindowMoment => ({ at: manifest.stoppedAt, lsn: facts.stopLsn }))
  const proofs = cluster.marks.filter(
    (mark) => path.lineage !== undefined && lsnToBytes(mark.lsn) <= chain.end && isOnLineage(mark, path.lineage),
  )
  const [from = { at: '', lsn: formatLsn(0n) }] = ends
  const marked = proofs.map(({ at, lsn }): WindowMoment => ({ at, lsn }))
  const markedTo = newest(marked, from)
  const nameOf = (timeline: number, number: number) => segmentName({ timeline, number: BigInt(number) }, segmentSizeBytes)
  const last = chain.pieces.at(-1)
  const span: WindowSpan = {
    systemIdentifier,
    timeline: path.timeline,
    bases: bases.map(windowBaseOf),
    from,
    to: newest([...ends, ...marked], from),
    ...(markedTo === from ? {} : { markedTo }),
    archivedTo: formatLsn(chain.end),
    pieces: chain.pieces.map(({ timeline, first, last: end }) => ({
      timeline,
      firstSegment: nameOf(timeline, first),
      lastSegment: nameOf(timeline, end),
    })),
    ...(last === undefined ? {} : { lastFile: { kind: chain.lastKind, file: nameOf(last.timeline, last.last) } }),
  }
  return { span, chain, path }
}

function windowBaseOf({ manifest, facts }: Base): WindowBase {
  const { backup, stoppedAt } = manifest
  return { backup, timeline: facts.timeline, startLsn: facts.startLsn, stopLsn: facts.stopLsn, stoppedAt }
}

function newest(moments: readonly WindowMoment[], first: WindowMoment): WindowMoment {
  let found = first
  for (const moment of moments) {
    const difference = microsOf(moment.at) - microsOf(found.at)
    if (difference > 0 || (difference === 0 && lsnToBytes(moment.lsn) > lsnToBytes(found.lsn))) found = moment
  }
  return found
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
