import { readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { segmentNameAt } from '../../../domain/lsn.js'
import type { WalPosition } from '../../../domain/wal-position.js'

const partialPattern = /^[0-9A-F]{24}\.partial$/

/**
 * Makes pg_receivewal begin where it should. In a directory without segments it begins at the server's *current* one, which would be
 * a gap; after the newest complete segment, or at the newest partial one, else. So the directory is left with one partial segment:
 * the wanted one, empty where it is not there yet. A whole segment before it would do as well, but not where that is number 0.
 * A partial one that was cut short when its receiver was killed is refused by the next; it is emptied.
 */
export async function readyDirectory(directory: string, from: WalPosition, segmentSizeBytes: number): Promise<void> {
  const wanted = `${segmentNameAt(from.timeline, from.lsn, segmentSizeBytes)}.partial`
  for (const name of (await readdir(directory)).filter((each) => partialPattern.test(each) && each !== wanted)) {
    await rm(join(directory, name), { force: true })
  }
  const path = join(directory, wanted)
  await writeFile(path, '', { flag: 'a', mode: 0o600 })
  if ((await stat(path)).size !== segmentSizeBytes) await truncate(path, 0)
}
