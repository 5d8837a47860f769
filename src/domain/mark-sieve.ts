import { type Cluster, clustersOf, type Path } from './cluster-paths.js'
import { lsnToBytes } from './lsn.js'
import type { MarkFacts } from './mark.js'
import { microsOf } from './moment.js'
import type { WindowEvidence } from './recovery-window.js'
import type { LineagePiece } from './timeline-history.js'
import { isOnLineage, spansOn } from './window-spans.js'

/**
 * Which marks a window needs to see: an archive holds hundreds of thousands, and a handful decides. Fed with what their keys say, it keeps
 * the best few for each question, so that a mark that turns out to be damaged has another behind it.
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
      for (const question of questions) if (question.concerns(facts)) keep(question, facts)
    },
    wanted: () => questions.map(({ best }) => best).filter((best) => best.length > 0),
  }
}

const keptEach = 16

interface Question {
  concerns(facts: MarkFacts): boolean
  /** Positive where the first is the better. */
  compare(a: MarkFacts, b: MarkFacts): number
  readonly best: MarkFacts[]
}

/** Which is the current timeline? How far is each span proven? How far is each way said to reach? */
function questionsOf(cluster: Cluster): Question[] {
  const ofCluster = ({ systemIdentifier }: MarkFacts) => systemIdentifier === cluster.systemIdentifier
  const known = cluster.paths.flatMap((path) => (path.lineage === undefined ? [] : [{ path, lineage: path.lineage }]))
  return [
    { concerns: ofCluster, compare: higher, best: [] },
    ...known.flatMap(({ path, lineage }) => [
      { concerns: (facts: MarkFacts) => ofCluster(facts) && isOnLineage(facts, lineage), compare: further, best: [] },
      ...spanQuestions(cluster, path, lineage, ofCluster),
    ]),
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

function further(a: MarkFacts, b: MarkFacts): number {
  const difference = lsnToBytes(a.lsn) - lsnToBytes(b.lsn)
  return difference > 0n ? 1 : difference < 0n ? -1 : later(a, b)
}
