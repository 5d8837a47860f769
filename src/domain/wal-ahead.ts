const aheadBytes = 512 * 1024 * 1024
const mostFiles = 64
const fewestFiles = 4

/** How many segments of a recovery are held on disk ahead of replay. */
export function walFilesAhead(segmentSizeBytes: number): number {
  return Math.max(fewestFiles, Math.min(mostFiles, Math.floor(aheadBytes / segmentSizeBytes)))
}
