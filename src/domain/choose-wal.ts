import { HoldfastError } from './errors.js'
import type { RepositoryName } from './ids.js'
import { compareLsn, type Lsn } from './lsn.js'
import type { WalObject } from './wal.js'

/** An object of the archive and where it lies. */
export interface WalCopy {
  readonly repository: RepositoryName
  readonly object: WalObject
}

interface WalQuestion {
  readonly systemIdentifier: string
  /** Of a segment: a part that reaches it is whole. A timeline may have been left at the very end of one. */
  readonly endLsn?: Lsn
  /** Whether WAL may end within it: then a partial will do. */
  readonly isLast: boolean
}

/**
 * The copies of one file that all hold the same bytes, nearest first. A whole segment is better than a partial, and of partials the
 * one that reaches furthest. Two contents under one name are never chosen between: one of them is another history.
 * @param copies all objects under this file's name, nearest first
 * @throws HoldfastError WAL_GAP, WAL_FOREIGN, WAL_CONFLICT naming the objects
 */
export function chooseWalCopies(file: string, copies: readonly WalCopy[], question: WalQuestion): readonly WalCopy[] {
  const ours = copies.filter(({ object }) => object.systemIdentifier === question.systemIdentifier)
  const whole = ours.filter(({ object }) => object.kind !== 'partial' || object.endLsn === question.endLsn)
  const candidates = whole.length > 0 || !question.isLast ? whole : furthest(ours)
  const [first] = candidates
  if (first === undefined) throw missing(file, copies, ours)
  const other = candidates.find(({ object }) => object.hash !== first.object.hash)
  if (other === undefined) return candidates
  throw new HoldfastError('WAL_CONFLICT', `${file} is archived with two contents: ${describe(first)} and ${describe(other)}`)
}

function furthest(copies: readonly WalCopy[]): WalCopy[] {
  const ends = copies.flatMap(({ object }) => (object.kind === 'partial' ? [object.endLsn] : []))
  const end = ends.toSorted(compareLsn).at(-1)
  return copies.filter(({ object }) => object.kind === 'partial' && object.endLsn === end)
}

function missing(file: string, copies: readonly WalCopy[], ours: readonly WalCopy[]): HoldfastError {
  const [foreign] = copies
  const [partial] = ours
  if (partial !== undefined) {
    return new HoldfastError('WAL_GAP', `only a part of ${file} is archived, with more WAL after it: ${describe(partial)}`)
  }
  if (foreign === undefined) return new HoldfastError('WAL_GAP', `${file} is in no repository, and recovery needs it`)
  const { systemIdentifier } = foreign.object
  return new HoldfastError('WAL_FOREIGN', `${file} is only there of another cluster, ${systemIdentifier}: ${describe(foreign)}`)
}

function describe({ repository, object }: WalCopy): string {
  return `${object.key} in repository ${repository}`
}
