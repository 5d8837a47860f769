import {
  type BaseStory,
  baseEnd,
  type ClusterHistory,
  type FileStory,
  lineageTo,
  pick,
  secondsAt,
  tenths,
} from './cluster-history.js'

/**
 * What can be restored, by asking about every tenth of every segment: no chains, no runs, no spans. Slow, and plain enough to be believed.
 * @returns the base's index where the target can be reached from a base, the newest of them
 */
export function baseForPosition(history: ClusterHistory, target: number, timeline: number): number | undefined {
  return newestOf(history, (base) => base.stop <= target && reaches(history, base, target, timeline), timeline)
}

export function baseForSeconds(history: ClusterHistory, seconds: number, timeline: number): number | undefined {
  const proofs = marksOn(history, timeline)
  return newestOf(
    history,
    (base) => {
      const end = baseEnd(pick(history.timelines, base.timeline - 1), base)
      if (seconds === end) return true
      return end < seconds && proofs.some((proof) => proof.seconds >= seconds && reaches(history, base, proof.position, timeline))
    },
    timeline,
  )
}

function newestOf(history: ClusterHistory, suits: (base: BaseStory) => boolean, timeline: number): number | undefined {
  const usable = history.bases.flatMap((base, index) =>
    isOnWay(history, base, timeline) && suits(base) ? [{ base, index }] : [],
  )
  const endOf = (base: BaseStory) => baseEnd(pick(history.timelines, base.timeline - 1), base)
  return usable.toSorted((a, b) => a.base.stop - b.base.stop || endOf(a.base) - endOf(b.base)).at(-1)?.index
}

/** Timelines of a lineage with the position at which it leaves each. Without its history nobody knows the way to a timeline. */
function wayTo({ files, timelines }: ClusterHistory, timeline: number): Map<number, number> | undefined {
  const histories = files.filter((file) => file.kind === 'history' && file.timeline === timeline)
  if (timeline > 1 && histories.length !== 1) return undefined
  const leaves = lineageTo(timelines, timeline).map(({ parent, begin }): [number, number] => [parent ?? 0, begin])
  return new Map([...leaves, [timeline, Number.POSITIVE_INFINITY]])
}

function isOnWay(history: ClusterHistory, base: BaseStory, timeline: number): boolean {
  const way = wayTo(history, timeline)
  if (way === undefined) return base.timeline === timeline
  const leave = way.get(base.timeline)
  return leave !== undefined && base.stop <= leave
}

/** Whether every tenth from the base's end up to a position can be read. */
function reaches(history: ClusterHistory, base: BaseStory, target: number, timeline: number): boolean {
  const way = wayTo(history, timeline)
  if (target <= base.stop) return way !== undefined || target === base.stop
  if (way === undefined) return false
  for (let number = Math.floor(base.stop / tenths); number * tenths < target; number++) {
    const needed = Math.min((number + 1) * tenths, target)
    if (!history.files.some((file) => supplies(history, way, file, number, needed))) return false
  }
  return true
}

function supplies(history: ClusterHistory, way: Map<number, number>, file: FileStory, number: number, needed: number): boolean {
  const leave = way.get(file.timeline)
  if (file.kind === 'history' || file.number !== number || leave === undefined || leave < needed) return false
  // Contents of a timeline older than the lineage's part in this segment are there, too: PostgreSQL copied them.
  if (pick(history.timelines, file.timeline - 1).begin >= (number + 1) * tenths) return false
  const twins = history.files.filter(
    (other) =>
      other.timeline === file.timeline && other.number === number && other.content !== file.content && other.kind !== 'history',
  )
  const doubted = twins.some(
    (twin) => twin.kind === 'segment' && history.files.some((other) => other !== twin && sameSegment(other, twin)),
  )
  if (doubted) return false
  if (file.kind === 'segment') return true
  if (history.files.some((other) => other.kind === 'segment' && other.timeline === file.timeline && other.number === number))
    return false
  return file.end >= needed && !twins.some((twin) => twin.kind === 'partial' && twin.end === file.end)
}

function sameSegment(a: FileStory, b: FileStory): boolean {
  return a.kind === 'segment' && a.timeline === b.timeline && a.number === b.number && a.content !== b.content
}

function marksOn(history: ClusterHistory, timeline: number) {
  const way = wayTo(history, timeline)
  return history.marks.flatMap((mark) => {
    const leave = way?.get(mark.timeline)
    if (leave === undefined || mark.position >= leave) return []
    return [{ position: mark.position, seconds: secondsAt(pick(history.timelines, mark.timeline - 1), mark.position) }]
  })
}
