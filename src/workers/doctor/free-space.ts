import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { formatBytes } from '../../domain/quantity.js'

/** `12.3 GB of 50.0 GB free`, of the file system a path is on, or will be on. */
export async function freeSpace(path: string): Promise<string> {
  try {
    const { bavail, blocks, bsize } = await statfs(path)
    return `${formatBytes(bavail * bsize)} of ${formatBytes(blocks * bsize)} free`
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || path === '/') throw error
    return freeSpace(dirname(path))
  }
}
