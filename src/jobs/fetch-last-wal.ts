import { access, copyFile, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { HoldfastError } from '../domain/errors.js'
import { fetchWal, refuseFullDisk, temporaryIn, type WalFetching, type WantedWal } from './fetch-wal.js'
import { findCopies } from './find-wal.js'
import type { PrefetchWalSpec } from './job-spec.js'

/**
 * Fetches the file a recovery ends with, once: whenever it is asked for again, it is what it was. A server that found nothing to stop
 * at is started again without a target, and must not find what was archived since, which was committed after the target.
 * @throws HoldfastError what was wrong with it everywhere
 */
export async function fetchLastWal(wanted: WantedWal, spec: PrefetchWalSpec, fetching: WalFetching): Promise<void> {
  const { delivery, owner } = fetching
  if (!(await exists(delivery.last))) await fetchAsItIsNow({ ...wanted, into: delivery.last }, spec, fetching)
  // The server does with its own what it likes.
  const temporary = temporaryIn(delivery)
  await copyFile(delivery.last, temporary).catch(refuseFullDisk)
  const copy = await open(temporary, 'r+')
  try {
    await copy.chown(owner.uid, owner.gid)
    await copy.sync()
  } finally {
    await copy.close()
  }
  await rename(temporary, join(delivery.ready, wanted.file))
}

/** An archive that goes on replaces the part it holds of a segment every few seconds. */
const triesAtMost = 20

/**
 * What was listed as a part of a segment is gone once a longer part, or the whole segment, has taken its place: then that is fetched,
 * which begins with the same bytes. After a long replay that is the rule.
 */
async function fetchAsItIsNow(wanted: WantedWal, spec: PrefetchWalSpec, fetching: WalFetching): Promise<void> {
  let current = wanted
  for (let tries = 1; ; tries += 1) {
    const problems: HoldfastError[] = []
    try {
      await fetchWal(current, { ...fetching, onProblem: (problem) => problems.push(problem) })
      problems.filter((problem) => !isReplaced(problem)).forEach(fetching.onProblem)
      return
    } catch (error) {
      fetching.signal.throwIfAborted()
      if (!problems.some(isReplaced) || tries === triesAtMost) throw error
      const copies = await findCopies(wanted.file, spec, fetching)
      if (keysOf(copies) === keysOf(current.copies)) throw error
      current = { ...wanted, copies }
    }
  }
}

function isReplaced({ code }: HoldfastError): boolean {
  return code === 'ARTIFACT_MISSING'
}

function keysOf(copies: WantedWal['copies']): string {
  return copies.map(({ repository, object }) => `${repository} ${object.key}`).join('\n')
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
