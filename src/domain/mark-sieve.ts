import { type Cluster, clustersOf, type Path } from './cluster-paths.js'
import { lsnToBytes } from './lsn.js'
import type { MarkFacts } from './mark.js'
import { microsOf } from './moment.js'
import type { WindowEvidence } from './recovery-window.js'
import type { LineagePiece } from './timeline-history.js'
import { isOnLineage, spansOn } from './window-spans.js'

/**
 * Which marks a window needs to see: an archive holds hundreds of thousands, and a handful decides. Fed with what their keys say, it keeps
 * the best few for each question, so that a mark that turns out to be damaged has another behind it. They come the newest first.
 */
export interface MarkSieve {
  add(facts: MarkFacts): void
  /** A list for each question, the best first: the first of each that can be trusted is all that is needed. */
  wanted(): MarkFacts[][]
}

export function createMarkSieve(evidence: Omit<WindowEvidence, 'marks'>): MarkSieve {
  const questions = clustersOf({ ...evidence, marks: [] }).flatMap(questionsOf)
  return {
    add(facts) {
      for (const question of questions) {
        if (question.outdates?.(facts) === true) question.best.length = 0
        else if (question.concerns(facts)) keep(question, facts)
      }
    },
    wanted: () => questions.map(({ best }) => best).filter((best) => best.length > 0),
  }
}

const keptEach = 16

interface Question {
  concerns(facts: MarkFacts): boolean
  /** Whether those that came before do not count. */
  outdates?(facts: MarkFacts): boolean
  /** Positive where the first is the better. */
  compare(a: MarkFacts, b: MarkFacts): number
  readonly best: MarkFacts[]
}

/** Which is the current timeline? How far is each span proven? How far is each way said to reach? When was each timeline at work? */
function questionsOf(cluster: Cluster): Question[] {
  const ofCluster = ({ systemIdentifier }: MarkFacts) => systemIdentifier === cluster.systemIdentifier
  const known = cluster.paths.flatMap((path) => (path.lineage === undefined ? [] : [{ path, lineage: path.lineage }]))
  return [
    { concerns: ofCluster, compare: higher, best: [] },
    ...known.flatMap(({ path, lineage }) => [
      { concerns: (facts: MarkFacts) => ofCluster(facts) && isOnLineage(facts, lineage), compare: further, best: [] },
      ...spanQuestions(cluster, path, lineage, ofCluster),
    ]),
    ...(cluster.paths.length > 1 ? cluster.paths.flatMap((path) => timelineQuestions(cluster, path.timeline)) : []),
  ]
}

function spanQuestions(
  cluster: Cluster,
  path: Path,
  lineage: readonly LineagePiece[],
  ofCluster: (facts: MarkFacts) => boolean,
): Question[] {
  return spansOn(cluster, path).map(({ span, chain }) => ({
    // What is older than the newest base proves nothing that the base does not prove.
    concerns: (facts) =>
      ofCluster(facts) &&
      microsOf(facts.at) > microsOf(span.to.at) &&
      lsnToBytes(facts.lsn) <= chain.end &&
      isOnLineage(facts, lineage),
    compare: later,
    best: [],
  }))
}

/**
 * What tells which timeline a moment is on: the first and the last mark of each, the last without those of an old primary that is back, and
 * those on both sides of where a way leaves it.
 */
function timelineQuestions({ systemIdentifier, paths, bases }: Cluster, timeline: number): Question[] {
  const isOwn = (facts: MarkFacts) => facts.systemIdentifier === systemIdentifier && facts.timeline === timeline
  const above = bases.filter(({ facts }) => facts.timeline > timeline).map(({ manifest }) => microsOf(manifest.stoppedAt))
  const lastBefore: Question = {
    concerns: (facts) => isOwn(facts) && above.every((end) => microsOf(facts.at) < end),
    outdates: (facts) => facts.systemIdentifier === systemIdentifier && facts.timeline > timeline,
    compare: later,
    best: [],
  }
  const leaves = new Set(
    paths.flatMap(({ lineage = [] }) => lineage.flatMap((piece) => (piece.timeline === timeline ? (piece.end ?? []) : []))),
  )
  const besideLeaves = [...leaves].flatMap((leave): Question[] => [
    { concerns: (facts) => isOwn(facts) && lsnToBytes(facts.lsn) <= leave, compare: later, best: [] },
    { concerns: (facts) => isOwn(facts) && lsnToBytes(facts.lsn) > leave, compare: earlier, best: [] },
  ])
  return [{ concerns: isOwn, compare: earlier, best: [] }, lastBefore, ...besideLeaves]
}

function keep({ best, compare }: Question, facts: MarkFacts): void {
  const worst = best.at(-1)
  if (best.length === keptEach && worst !== undefined && compare(facts, worst) <= 0) return
  const place = best.findIndex((other) => compare(facts, other) > 0)
  best.splice(place === -1 ? best.length : place, 0, facts)
  best.length = Math.min(best.length, keptEach)
}

/** By the timeline, however much later another spoke: the current one is the highest. */
function higher(a: MarkFacts, b: MarkFacts): number {
  return a.timeline - b.timeline || later(a, b)
}

function later(a: MarkFacts, b: MarkFacts): number {
  return microsOf(a.at) - microsOf(b.at)
}

function earlier(a: MarkFacts, b: MarkFacts): number {
  return later(b, a)
}

function further(a: MarkFacts, b: MarkFacts): number {
  const difference = lsnToBytes(a.lsn) - lsnToBytes(b.lsn)
  return difference > 0n ? 1 : difference < 0n ? -1 : later(a, b)
}
