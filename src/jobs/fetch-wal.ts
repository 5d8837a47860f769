import { randomUUID } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Composition } from '../composition/compose.js'
import type { Repository } from '../composition/repository.js'
import type { WalCopy } from '../domain/choose-wal.js'
import { HoldfastError } from '../domain/errors.js'
import type { SystemName } from '../domain/ids.js'
import type { WalObject } from '../domain/wal.js'
import { type ReplayRange, refuseNewTablespace } from '../engines/postgres/new-tablespace.js'
import type { WalDelivery } from '../engines/postgres/wal-delivery.js'
import { checkSegmentPages, type SegmentIdentity } from '../engines/postgres/wal-page.js'
import type { SystemUser } from '../process/command.js'
import { consumeThrough, ReadingFailed } from './consume-through.js'
import { allOf, asProblemOf } from './reading-problems.js'
import { unpackWal } from './unpack-wal.js'

export interface WalFetching {
  readonly composition: Composition
  readonly system: SystemName
  readonly delivery: WalDelivery
  readonly owner: SystemUser
  /** What the server will apply of it. */
  readonly replay: ReplayRange
  readonly signal: AbortSignal
  /** A copy that was not used, and why. */
  readonly onProblem: (problem: HoldfastError) => void
}

/** A file to be delivered: what it must be, and copies of it, nearest first. */
export interface WantedWal {
  readonly file: string
  readonly copies: readonly WalCopy[]
  /** Absent for histories. */
  readonly segment?: SegmentIdentity
  /** Where to put it; else it is `ready` under its own name. */
  readonly into?: string
}

/** Histories are a line for each promotion there ever was. */
const historyLimitBytes = 1024 * 1024

/**
 * Fetches a file from the nearest repository that has it whole, checks what can be checked, and puts it into the delivery under its
 * own name: whole, durable and the server's, or not at all.
 * @throws HoldfastError what was wrong with it everywhere; OUTSIDE_WINDOW for what replay must not come to
 */
export async function fetchWal(wanted: WantedWal, fetching: WalFetching): Promise<void> {
  const problems: HoldfastError[] = []
  for (const { repository: name, object } of wanted.copies) {
    const repository = await fetching.composition.repository(name)
    try {
      return await fetchFrom(repository, object, wanted, fetching)
    } catch (error) {
      fetching.signal.throwIfAborted()
      const cause = error instanceof ReadingFailed ? error.cause : error
      const problem = asProblemOf(repository, wanted.file, cause)
      problems.push(problem)
      fetching.onProblem(problem)
    }
  }
  throw allOf(problems, wanted.file)
}

async function fetchFrom(
  repository: Repository,
  object: WalObject,
  { file, segment, into }: WantedWal,
  { composition, system, delivery, owner, replay, signal }: WalFetching,
): Promise<void> {
  const stored = await repository.store.get(object.key, { signal })
  const size = segment === undefined ? { atMostBytes: historyLimitBytes } : { exactlyBytes: segment.segmentSizeBytes }
  const unpacking = unpackWal(system, object, await composition.keys(), size)
  const temporary = temporaryIn(delivery)
  const target = await open(temporary, 'wx+', 0o600)
  try {
    await consumeThrough(stored, unpacking.stages, (source) => write(source, target, signal), signal)
    unpacking.check()
    if (segment !== undefined) {
      await checkSegmentPages(target, segment)
      await refuseNewTablespace(target, segment, replay)
    }
    await target.chown(owner.uid, owner.gid)
    // PostgreSQL syncs what it was given; here nobody waits for the disk.
    await target.sync()
    await rename(temporary, into ?? join(delivery.ready, file))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  } finally {
    await target.close()
  }
}

/** What a job that was killed has begun. */
export const temporaryPrefix = 'fetching-'

export function temporaryIn({ directory }: WalDelivery): string {
  return join(directory, `${temporaryPrefix}${randomUUID()}`)
}

async function write(source: Readable, target: FileHandle, signal: AbortSignal): Promise<void> {
  // Not through a stream of the handle's: one that is not closed keeps the handle from ever being.
  await target.writeFile(source, { signal }).catch(refuseFullDisk)
}

/** @throws SPACE_SHORT, or what it was given */
export function refuseFullDisk(cause: unknown): never {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code !== 'ENOSPC' && code !== 'EDQUOT') throw cause
  throw new HoldfastError('SPACE_SHORT', 'no space is left for the WAL that recovery needs', { cause })
}
