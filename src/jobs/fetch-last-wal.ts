import { access, copyFile, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { fetchNewest } from './fetch-newest.js'
import { refuseFullDisk, temporaryIn, type WalFetching, type WantedWal } from './fetch-wal.js'
import { findLastSegment } from './find-wal.js'
import type { PrefetchWalSpec } from './job-spec.js'

/**
 * Fetches the file a recovery ends with, once: whenever it is asked for again, it is what it was. A server that found nothing to stop
 * at is started again without a target, and must not find what was archived since, which was committed after the target.
 * @throws HoldfastError what was wrong with it everywhere
 */
export async function fetchLastWal(wanted: WantedWal, spec: PrefetchWalSpec, fetching: WalFetching): Promise<void> {
  const { delivery, owner } = fetching
  if (!(await exists(delivery.last))) {
    const lookAgain = async (file: string) => ({ ...(await findLastSegment(file, spec, fetching)), into: delivery.last })
    await fetchNewest({ ...wanted, into: delivery.last }, fetching, lookAgain)
  }
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

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
