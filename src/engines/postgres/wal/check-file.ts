import { readFile } from 'node:fs/promises'
import { parseTimelineHistory } from '../../../domain/timeline-history.js'
import { historyFileTimeline } from '../../../domain/wal.js'
import type { WalFileExpectation } from '../../wal-source.js'
import { checkSegmentHeader } from './segment-header.js'

/** @throws HoldfastError WAL_FOREIGN, ARTIFACT_DAMAGED */
export async function checkWalFile(path: string, expectation: WalFileExpectation): Promise<void> {
  const timeline = historyFileTimeline(expectation.file)
  if (timeline === undefined) await checkSegmentHeader(path, expectation)
  else parseTimelineHistory(await readFile(path, 'utf8'), timeline)
}
