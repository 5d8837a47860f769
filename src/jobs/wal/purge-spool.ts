import type { ObjectKey, RepositoryName, SystemName } from '../../domain/ids.js'
import { compareLsn } from '../../domain/lsn.js'
import { parseSegmentName, segmentStart } from '../../domain/wal.js'
import { comparePositions } from '../../domain/wal-position.js'
import { listSealed, type SealedFile, timelineOf } from './sealed-files.js'
import type { Archived, Spool, SpoolState } from './spool.js'

interface Purge {
  readonly spool: Spool
  readonly system: SystemName
  readonly state: SpoolState
  /** Of every repository of the system that has begun. */
  readonly archived: ReadonlyMap<RepositoryName, Archived>
  readonly repositories: readonly RepositoryName[]
  readonly required: readonly RepositoryName[]
}

export interface Purged {
  readonly usedBytes: number
  /** Files that a repository lacks and that are gone all the same: the spool had no room for them. */
  readonly dropped: number
}

/**
 * Removes what every repository holds; beyond the spool's limit what the required ones hold. Histories stay, a few hundred bytes each:
 * a repository that is added later proves nothing on a timeline without its history.
 */
export async function purgeSpool(purge: Purge): Promise<Purged> {
  const { spool, system, repositories, required } = purge
  const files = await listSealed(spool, system)
  const isNeeded = (file: SealedFile, by: readonly RepositoryName[]) =>
    !isSuperseded(file, files, purge.state) && by.some((name) => !holds(purge.archived.get(name), file, purge.state))
  const waiting = files.filter((file) => file.kind === 'history' || isNeeded(file, repositories))
  let usedBytes = sizeOf(waiting)
  const dropped: SealedFile[] = []
  for (const file of waiting) {
    if (usedBytes <= spool.maximumBytes) break
    if (file.kind === 'history' || isNeeded(file, required)) continue
    dropped.push(file)
    usedBytes -= file.sizeBytes
  }
  const gone = [...files.filter((file) => !waiting.includes(file)), ...dropped]
  if (gone.length > 0) await spool.store.delete(gone.map(({ key }): ObjectKey => key))
  return { usedBytes, dropped: dropped.length }
}

function holds(archived: Archived | undefined, file: SealedFile, state: SpoolState): boolean {
  if (archived === undefined || archived.spool !== state.id) return false
  const timeline = timelineOf(file)
  const end = archived.ends[timeline]
  if (file.kind === 'partial') return end !== undefined && compareLsn(end, file.endLsn) >= 0
  const { number } = parseSegmentName(file.file, state.segmentSizeBytes)
  const lsn = segmentStart(number + 1n, state.segmentSizeBytes)
  // A position on a later timeline may be that of another branch, which began with it.
  if (timeline < archived.position.timeline) return end !== undefined && compareLsn(end, lsn) >= 0
  return comparePositions({ timeline, lsn }, archived.position) <= 0
}

function isSuperseded(file: SealedFile, files: readonly SealedFile[], { received, segmentSizeBytes }: SpoolState): boolean {
  if (file.kind !== 'partial') return false
  const { number } = parseSegmentName(file.file, segmentSizeBytes)
  const end = segmentStart(number + 1n, segmentSizeBytes)
  if (received.timeline === timelineOf(file) && compareLsn(received.lsn, end) >= 0) return true
  return files.some((other) => other.kind === 'partial' && other.file === file.file && compareLsn(other.endLsn, file.endLsn) > 0)
}

function sizeOf(files: readonly SealedFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}
