import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { marksPrefix, parseMarkKey } from '../../src/catalog/wal-keys.js'
import { parseSystemName } from '../../src/domain/ids.js'
import type { Places } from './places.js'
import { bucket } from './start-servers.js'
import { system } from './write-configuration.js'

/** A mark in the bucket. */
export interface StoredMark {
  /** When the server had flushed all that the mark proves to be archived. Milliseconds. */
  readonly atMs: number
  /** When the S3 server had the mark. */
  readonly storedAtMs: number
}

/** By time, from the files of the S3 server. */
export async function storedMarks({ bucketDirectory }: Places): Promise<StoredMark[]> {
  const prefix = marksPrefix(parseSystemName(system))
  const root = join(bucketDirectory, bucket, prefix)
  const files = await readdir(root, { recursive: true }).catch(() => [])
  const marks = files.flatMap((file) => {
    const facts = parseMarkKey(`${prefix}${file}`)
    return facts === undefined ? [] : [{ file, atMs: Date.parse(facts.at) }]
  })
  const stored = marks.map(async ({ file, atMs }) => ({ atMs, storedAtMs: (await stat(join(root, file))).mtimeMs }))
  return (await Promise.all(stored)).sort((a, b) => a.atMs - b.atMs)
}

/**
 * What would have been lost at the worst moment of a time: just before a mark was there, all since the one before it.
 * @returns undefined where no mark was there when the time began
 */
export function worstLossMs(marks: readonly StoredMark[], fromMs: number, toMs: number): number | undefined {
  let proven = marks.findLast(({ storedAtMs }) => storedAtMs <= fromMs)?.atMs
  if (proven === undefined) return undefined
  let worst = 0
  for (const { atMs, storedAtMs } of marks.filter((mark) => mark.storedAtMs > fromMs && mark.storedAtMs <= toMs)) {
    worst = Math.max(worst, storedAtMs - proven)
    proven = Math.max(proven, atMs)
  }
  return Math.max(worst, toMs - proven)
}
