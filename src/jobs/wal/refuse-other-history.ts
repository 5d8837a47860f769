import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalJson } from '../../domain/canonical-json.js'
import { HoldfastError } from '../../domain/errors.js'
import { lsnToBytes } from '../../domain/lsn.js'
import { parseTimelineHistory } from '../../domain/timeline-history.js'
import { historyFileName, parseSegmentName, walHashOf } from '../../domain/wal.js'
import type { WalServer } from '../../engines/wal-source.js'
import { chunkBytes } from '../../pipeline/chunk-size.js'
import { hasCode } from '../job-directory.js'
import type { Spool, SpoolState } from './spool.js'

/**
 * Two standbys that were both promoted give the same number to their timelines. The receiver keeps the histories it has fetched, and
 * does not fetch another under the same name.
 * @throws WAL_FOREIGN
 */
export async function refuseOtherTimeline(spool: Spool, { label, timeline, history }: WalServer): Promise<void> {
  const file = historyFileName(timeline)
  const text = await readFile(join(spool.incoming, file), 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  })
  if (text === undefined || canonicalJson(parseTimelineHistory(text, timeline)) === canonicalJson(history)) return
  throw new HoldfastError('WAL_FOREIGN', `${label} has another ${file} than the timeline ${timeline} that was received before`, {
    hint: 'two servers were promoted to timelines of one number: correct connection.hosts, and make a standby of the other',
  })
}

/**
 * A server that was set back (to a snapshot, by a disk that lost what it had synced) writes other WAL under the same names. Once it has come
 * further than we had, its position does not tell any more; the content does, for what was flushed of a segment never changes.
 * @param path of the segment, received at least as far as what was sealed of it
 * @throws WAL_FOREIGN
 */
export async function refuseOtherContent(path: string, file: string, { partial, segmentSizeBytes }: SpoolState): Promise<void> {
  if (partial?.hash === undefined || partial.file !== file) return
  const { number } = parseSegmentName(file, segmentSizeBytes)
  const contentBytes = Number(lsnToBytes(partial.endLsn) - number * BigInt(segmentSizeBytes))
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { end: contentBytes - 1 })) hash.update(chunk)
  for (let at = contentBytes; at < segmentSizeBytes; at += chunkBytes) {
    hash.update(Buffer.alloc(Math.min(chunkBytes, segmentSizeBytes - at)))
  }
  if (walHashOf(hash.digest('hex')) === partial.hash) return
  const message = `the server's ${file} begins otherwise than when it was received up to ${partial.endLsn}`
  throw new HoldfastError('WAL_FOREIGN', `${message}: it was set back, and has written other WAL since`, {
    hint: 'nothing of it is stored. If that server is the right one, see "A server that was set back" in docs/operations.md; else correct connection.hosts',
  })
}
