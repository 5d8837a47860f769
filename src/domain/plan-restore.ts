import { canonicalJson } from './canonical-json.js'
import type { BackupId, BackupKind, RepositoryName } from './ids.js'
import type { Manifest } from './manifest.js'
import type { RestoreTarget } from './recovery-target.js'

/** What one repository holds of a system. */
export interface RestoreCandidate {
  readonly repository: RepositoryName
  /** Smaller is nearer. */
  readonly distance: number
  readonly manifests: readonly Manifest[]
  /** Backups about to be removed there; another repository may well keep them. */
  readonly tombstoned: readonly BackupId[]
}

export type RestoreDecision =
  /** `sources`: all that hold exactly this manifest, nearest first. `warnings`: what the operator might not expect. */
  | {
      readonly outcome: 'chosen'
      readonly manifest: Manifest
      readonly sources: readonly RepositoryName[]
      readonly warnings: readonly string[]
    }
  /** `message` says what there is instead. */
  | { readonly outcome: 'refused'; readonly code: 'NOT_FOUND' | 'NOT_SUPPORTED'; readonly message: string }

/** Targets that are backups: the newest there is, or one by its id. */
export type BackupTarget = Extract<RestoreTarget, { kind: 'latest' | 'backup' }>

interface RestoreQuestion {
  readonly candidates: readonly RestoreCandidate[]
  readonly target: BackupTarget
  /** Which kind `latest` means; `full` where left out. */
  readonly kind?: BackupKind
}

/**
 * Chooses the backup for a target and the repositories to read it from. The newest is the one that ended last, then the one with the
 * greater id, then the nearest; the time in an id is when a backup was due, not what it holds. Of a cluster the highest timeline goes first:
 * what is newer on a lower one is of an old primary that is back.
 */
export function planRestore({ candidates, target, kind = 'full' }: RestoreQuestion): RestoreDecision {
  const copies = candidates.toSorted((a, b) => a.distance - b.distance).flatMap(copiesIn)
  const usable = copies.filter((copy) => !copy.tombstoned)
  const wanted =
    target.kind === 'latest'
      ? usable.filter((copy) => copy.manifest.kind === kind)
      : usable.filter((copy) => copy.manifest.backup === target.backup)
  const newest = wanted.toSorted(newestFirst)[0]
  const chosen = newest && target.kind === 'latest' ? highestLike(newest, wanted) : newest
  if (newest === undefined || chosen === undefined)
    return { outcome: 'refused', code: 'NOT_FOUND', message: describeMissing(copies, target, kind) }
  const { manifest } = chosen
  if (!isRestorable(chosen)) {
    const message = `backup ${manifest.backup} is of kind ${manifest.kind}; this version restores ${restorableKinds.join(' and ')} backups`
    return { outcome: 'refused', code: 'NOT_SUPPORTED', message }
  }
  const sameBackup = usable.filter((copy) => copy.manifest.backup === manifest.backup)
  const [sources, others] = splitBy(sameBackup, (copy) => copy.text === chosen.text)
  const warnings = others.map((copy) => `${copy.repository} holds another manifest of ${manifest.backup}, which is left aside`)
  const left = chosen === newest ? [] : [describeLeft(newest, chosen)]
  return { outcome: 'chosen', manifest, sources: sources.map((copy) => copy.repository), warnings: [...warnings, ...left] }
}

interface Copy {
  readonly repository: RepositoryName
  readonly manifest: Manifest
  readonly tombstoned: boolean
  /** Equal for equal manifests. */
  readonly text: string
}

function copiesIn({ repository, manifests, tombstoned }: RestoreCandidate): Copy[] {
  return manifests.map((manifest) => ({
    repository,
    manifest,
    tombstoned: tombstoned.includes(manifest.backup),
    text: canonicalJson(manifest),
  }))
}

export const restorableKinds: readonly BackupKind[] = ['full', 'logical']

function isRestorable(copy: Copy): boolean {
  return restorableKinds.includes(copy.manifest.kind)
}

// toSorted is stable: of equals, the nearest stays first.
function newestFirst(a: Copy, b: Copy): number {
  const byEnd = Date.parse(b.manifest.stoppedAt) - Date.parse(a.manifest.stoppedAt)
  return byEnd || compare(b.manifest.backup, a.manifest.backup)
}

function highestLike(newest: Copy, copies: readonly Copy[]): Copy | undefined {
  const { systemIdentifier } = newest.manifest.facts
  const same = copies.filter(({ manifest }) => manifest.facts.systemIdentifier === systemIdentifier)
  return same.toSorted((a, b) => timelineOf(b) - timelineOf(a) || newestFirst(a, b))[0]
}

function timelineOf({ manifest: { facts } }: Copy): number {
  return 'dumps' in facts ? 0 : facts.timeline
}

function describeLeft(newest: Copy, chosen: Copy): string {
  const { backup } = newest.manifest
  const what = `the newest backup, ${backup}, is of timeline ${timelineOf(newest)}, and there is one of timeline ${timelineOf(chosen)}`
  return `${what}, so it is not restored: if an old primary is back, fence it; --to backup:${backup} restores it`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function splitBy<T>(items: readonly T[], belongs: (item: T) => boolean): readonly [T[], T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))]
}

function describeMissing(copies: readonly Copy[], target: BackupTarget, kind: BackupKind): string {
  const wanted = target.kind === 'latest' ? `there is no ${kind} backup to restore` : `there is no backup ${target.backup}`
  const doomed = copies.filter((copy) => copy.tombstoned && (target.kind === 'latest' || copy.manifest.backup === target.backup))
  const removal = doomed.length === 0 ? '' : ` (${namesOf(doomed)} is being removed)`
  const rest = copies.filter((copy) => !copy.tombstoned).toSorted(newestFirst)
  return `${wanted}${removal}; ${rest.length === 0 ? 'there is none at all' : `there is ${namesOf(rest)}`}`
}

const namesShown = 5

function namesOf(copies: readonly Copy[]): string {
  const ids = [...new Set(copies.map((copy) => copy.manifest.backup))]
  const more = ids.length > namesShown ? ` and ${ids.length - namesShown} more` : ''
  return `${ids.slice(0, namesShown).join(', ')}${more}`
}
