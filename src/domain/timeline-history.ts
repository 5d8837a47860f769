import { HoldfastError } from './errors.js'
import { compareLsn, type Lsn, lsnToBytes, parseLsn } from './lsn.js'

/** The piece of WAL a later timeline took from one before it. */
export interface TimelineAncestor {
  readonly timeline: number
  /** Where the next timeline left it: the first byte that is not part of the later history. */
  readonly endLsn: Lsn
  readonly reason: string
}

/** What a `.history` file says: how a timeline came about, the oldest ancestor first. */
export interface TimelineHistory {
  readonly timeline: number
  readonly ancestors: readonly TimelineAncestor[]
}

/** A timeline's piece of a lineage: from `begin` up to, not including, `end`. The last has no end. In bytes of WAL. */
export interface LineagePiece {
  readonly timeline: number
  readonly begin: bigint
  readonly end: bigint | undefined
}

/**
 * @param timeline the one in the file's name
 * @throws HoldfastError ARTIFACT_DAMAGED
 */
export function parseTimelineHistory(text: string, timeline: number): TimelineHistory {
  const ancestors = text
    .split('\n')
    .filter(isEntry)
    .map((line) => parseEntry(line, timeline))
  for (const [index, { timeline: ancestor }] of ancestors.entries()) {
    const ascends = ancestor > (ancestors[index - 1]?.timeline ?? 0)
    if (!ascends || ancestor >= timeline) throw damaged(timeline, `its timelines do not ascend at ${ancestor}`)
  }
  if (timeline > 1 && ancestors.length === 0) throw damaged(timeline, 'it names no timeline before it')
  return { timeline, ancestors: withoutUnseen(ancestors) }
}

/**
 * A recovery along a timeline may stop before that began: PostgreSQL then lists it all the same, with an earlier position than where the
 * one before it was left. Nothing from there on was ever part of the new history.
 */
function withoutUnseen(ancestors: readonly TimelineAncestor[]): readonly TimelineAncestor[] {
  let end: Lsn | undefined
  return ancestors
    .toReversed()
    .map((ancestor) => {
      if (end === undefined || compareLsn(ancestor.endLsn, end) < 0) end = ancestor.endLsn
      return { ...ancestor, endLsn: end }
    })
    .toReversed()
}

/** Of timeline 1, which has no file. */
export const firstTimeline: TimelineHistory = { timeline: 1, ancestors: [] }

/** The way from the beginning to a timeline: one piece for each ancestor and the open one of the timeline itself. */
export function lineageOf({ timeline, ancestors }: TimelineHistory): LineagePiece[] {
  const ends = ancestors.map(({ endLsn }) => lsnToBytes(endLsn))
  const pieces = ancestors.map((ancestor, index) => ({
    timeline: ancestor.timeline,
    begin: ends[index - 1] ?? 0n,
    end: ends[index],
  }))
  return [...pieces, { timeline, begin: ends.at(-1) ?? 0n, end: undefined }]
}

/** The timeline that wrote the byte at `lsn`, on the way to the history's own. */
export function timelineAt(history: TimelineHistory, lsn: Lsn): number {
  const position = lsnToBytes(lsn)
  const piece = lineageOf(history).find(({ end }) => end === undefined || position < end)
  return piece?.timeline ?? history.timeline
}

function isEntry(line: string): boolean {
  return !/^\s*(?:#.*)?$/.test(line)
}

function parseEntry(line: string, timeline: number): TimelineAncestor {
  const [, id, position, reason = ''] = /^\s*(\d{1,10})\s+([0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8})(?:\s+(.*))?$/.exec(line) ?? []
  if (id === undefined || position === undefined) throw damaged(timeline, `it holds ${JSON.stringify(line.slice(0, 80))}`)
  return { timeline: Number(id), endLsn: parseLsn(position), reason: reason.trim() }
}

function damaged(timeline: number, what: string): HoldfastError {
  return new HoldfastError('ARTIFACT_DAMAGED', `the history file of timeline ${timeline} is damaged: ${what}`)
}
