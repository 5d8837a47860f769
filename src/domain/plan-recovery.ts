import { canonicalJson } from './canonical-json.js'
import { behindWay, isFurther } from './furthest-way.js'
import type { BackupId, RepositoryName } from './ids.js'
import type { Lsn } from './lsn.js'
import type { Manifest } from './manifest.js'
import type { RestoreTarget } from './recovery-target.js'
import { reads, type Way, waysIn } from './recovery-ways.js'
import type { LastFile, RecoveryWindow, WalPiece } from './recovery-window.js'
import { refuseRecovery } from './refuse-recovery.js'

/** What one repository holds of a system. */
export interface RecoveryCandidate {
  readonly repository: RepositoryName
  /** Smaller is nearer. */
  readonly distance: number
  /** Of the manifests below without those about to be removed. */
  readonly window: RecoveryWindow
  readonly manifests: readonly Manifest[]
}

export interface RecoveryQuestion {
  readonly candidates: readonly RecoveryCandidate[]
  readonly target: RestoreTarget
  /** The timeline to end on; the current one where left out, of a time the one that was current then. */
  readonly timeline?: number
  /** The backup to start from; else the newest that ended at or before the target. */
  readonly base?: BackupId
}

/** How PostgreSQL is to recover: from the base over the archived WAL to the target. */
export interface Recovery {
  readonly systemIdentifier: string
  readonly segmentSizeBytes: number
  /** For `recovery_target_timeline`; always explicit. */
  readonly timeline: number
  readonly target: RestoreTarget
  /** Whether a history file is needed for the timeline: true for all but the first. */
  readonly needsHistory: boolean
  /**
   * The archived segments of this recovery, in the order of replay. What lies in them is there and is waited for; any other segment is not
   * for this recovery: what is before them is in the backup itself. Empty: nothing but the backup is needed.
   */
  readonly pieces: readonly WalPiece[]
  readonly firstSegment?: string
  readonly lastFile?: LastFile
  /** Where replay begins: where the base did. Recoveries that were planned before it was recorded lack it. */
  readonly startLsn?: Lsn
  /** What is proven to be there: a recovery to the end of the archive reaches at least this position. */
  readonly endLsn: Lsn
  /** The newest moment proven to be there. */
  readonly endAt: string
}

export type RecoveryDecision =
  | {
      readonly outcome: 'chosen'
      readonly manifest: Manifest
      /** Repositories with exactly this manifest, the one the WAL is read from first, then nearest first. */
      readonly sources: readonly RepositoryName[]
      /** Those whose archive has all the WAL of this recovery, nearest first after the one it was planned for. */
      readonly walSources: readonly RepositoryName[]
      readonly recovery: Recovery
      readonly warnings: readonly string[]
    }
  /** `message` says what there is instead. */
  | {
      readonly outcome: 'refused'
      readonly code: 'NOT_FOUND' | 'OUTSIDE_WINDOW' | 'NOT_SUPPORTED' | 'USAGE'
      readonly message: string
      readonly hint?: string
    }

/**
 * Chooses the base and the repositories for a target. Of several repositories the nearest that can do it; for `latest` the one that reaches
 * furthest. The base is the newest that ended at or before the target on the way to the timeline.
 */
export function planRecovery(question: RecoveryQuestion): RecoveryDecision {
  const candidates = question.candidates.toSorted((a, b) => a.distance - b.distance)
  const ways = candidates.flatMap((candidate) => waysIn(candidate, question))
  const chosen = question.target.kind === 'latest' ? furthestWay(ways) : ways[0]
  if (chosen === undefined) return refuseRecovery(candidates, question)
  const { manifest, candidate, recovery } = chosen
  const text = canonicalJson(manifest)
  const copies = [candidate, ...candidates.filter((other) => other !== candidate)].flatMap(({ repository, manifests }) =>
    manifests
      .filter(({ backup }) => backup === manifest.backup)
      .map((copy) => ({ repository, same: canonicalJson(copy) === text })),
  )
  const others = ways.filter((way) => way !== chosen && canonicalJson(way.manifest) === text && reads(way.recovery, recovery))
  return {
    outcome: 'chosen',
    manifest,
    sources: copies.filter(({ same }) => same).map(({ repository }) => repository),
    walSources: [candidate, ...others.map((way) => way.candidate)].map(({ repository }) => repository),
    recovery,
    warnings: [...copies.filter(({ same }) => !same).map(anotherManifest(manifest)), ...behindWay(chosen, question)],
  }
}

/** Of equals the nearest, which comes first. */
function furthestWay(ways: readonly Way[]): Way | undefined {
  let best: Way | undefined
  for (const way of ways) if (best === undefined || isFurther(way, best)) best = way
  return best
}

function anotherManifest({ backup }: Manifest): (copy: { readonly repository: RepositoryName }) => string {
  return ({ repository }) => `${repository} holds another manifest of ${backup}, which is left aside`
}
