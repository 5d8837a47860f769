import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { HoldfastError } from '../../domain/errors.js'
import { formatLsn, lsnToBytes } from '../../domain/lsn.js'
import { parseTimelineHistory } from '../../domain/timeline-history.js'
import { historyFileName, historyFileTimeline, parseSegmentName, segmentStart, tryParseSegmentName } from '../../domain/wal.js'
import { comparePositions } from '../../domain/wal-position.js'
import type { WalSource } from '../../engines/wal-source.js'
import { refuseOtherContent } from './refuse-other-history.js'
import { type Sealing, sealFile } from './seal-file.js'
import { sealPartial } from './seal-partial.js'
import type { SpoolState } from './spool.js'

interface Receipt {
  readonly sealing: Sealing
  readonly source: WalSource
}

/**
 * Seals what the receiver has completed, in the order of the WAL, and removes it from the receiver's directory.
 * @returns the state with what is sealed now
 * @throws WAL_FOREIGN, ARTIFACT_DAMAGED; LOCAL_IO when a file is missing in between: what follows is removed, to be received again
 */
export async function sealReceived(receipt: Receipt, before: SpoolState): Promise<SpoolState> {
  const names = await receipt.sealing.spool.received()
  let state = before
  for (const name of names.filter((each) => historyFileTimeline(each) !== undefined && !state.histories.includes(each))) {
    state = await sealHistory(receipt, state, name)
  }
  const segments = names.filter((name) => tryParseSegmentName(name, state.segmentSizeBytes) !== undefined)
  for (const name of segments) {
    receipt.sealing.signal.throwIfAborted()
    state = await settleEarlierTimelines(receipt, state, names, parseSegmentName(name, state.segmentSizeBytes).timeline)
    state = await sealSegment(receipt, state, name)
  }
  const partials = names.filter((name) => name.endsWith('.partial')).map((name) => Number(`0x${name.slice(0, 8)}`))
  return settleEarlierTimelines(receipt, state, names, Math.max(0, ...partials))
}

async function sealHistory({ sealing, source }: Receipt, state: SpoolState, file: string): Promise<SpoolState> {
  const { spool } = sealing
  const path = join(spool.incoming, file)
  await source.checkFile(path, { ...state, file })
  const { size } = await stat(path)
  const what = { kind: 'history', file } as const
  await sealFile(sealing, { path, what, systemIdentifier: state.systemIdentifier, contentBytes: size, sizeBytes: size })
  // The file itself stays: the receiver would fetch it again.
  return keep(sealing, { ...state, histories: [...state.histories, file] })
}

async function sealSegment({ sealing, source }: Receipt, state: SpoolState, file: string): Promise<SpoolState> {
  const { spool } = sealing
  const { segmentSizeBytes, systemIdentifier, received } = state
  const path = join(spool.incoming, file)
  const { timeline, number } = parseSegmentName(file, segmentSizeBytes)
  const end = { timeline, lsn: segmentStart(number + 1n, segmentSizeBytes) }
  if (comparePositions(end, received) <= 0) {
    await rm(path, { force: true })
    return state
  }
  const start = segmentStart(number, segmentSizeBytes)
  try {
    if (lsnToBytes(start) > lsnToBytes(received.lsn)) {
      throw new HoldfastError('LOCAL_IO', `the spool lacks WAL from ${received.lsn} to ${start}: it is received again`)
    }
    const { size } = await stat(path)
    if (size !== segmentSizeBytes) throw new HoldfastError('ARTIFACT_DAMAGED', `WAL segment ${file} has ${size} bytes`)
    await source.checkFile(path, { systemIdentifier, segmentSizeBytes, file })
    await refuseOtherContent(path, file, state)
  } catch (error) {
    // Nothing is lost: the server keeps it until the repositories hold it.
    await rm(path, { force: true })
    throw error
  }
  const what = { kind: 'segment', file } as const
  await sealFile(sealing, { path, what, systemIdentifier, contentBytes: segmentSizeBytes, sizeBytes: segmentSizeBytes })
  const { partial, ...rest } = state
  const superseded = partial === undefined || partial.file <= file
  const sealed = await keep(sealing, { ...rest, received: end, ...(superseded ? {} : { partial }) })
  await rm(path, { force: true })
  return sealed
}

/**
 * The last segment of a timeline that was left is never completed. What it holds up to the fork is sealed as a partial one: only
 * there is the way to the end of that timeline.
 */
async function settleEarlierTimelines(
  { sealing, source }: Receipt,
  state: SpoolState,
  names: readonly string[],
  timeline: number,
): Promise<SpoolState> {
  const left = names.filter((name) => name.endsWith('.partial') && Number(`0x${name.slice(0, 8)}`) < timeline)
  if (left.length === 0) return state
  const { spool } = sealing
  const history = parseTimelineHistory(await readFile(join(spool.incoming, historyFileName(timeline)), 'utf8'), timeline)
  let settled = state
  for (const name of left) {
    const path = join(spool.incoming, name)
    const file = name.replace('.partial', '')
    const position = parseSegmentName(file, state.segmentSizeBytes)
    const [start, end] = [position.number, position.number + 1n].map((number) => number * BigInt(state.segmentSizeBytes))
    const fork = history.ancestors.find((ancestor) => ancestor.timeline === position.timeline)?.endLsn
    const isThere = await stat(path).catch(() => undefined)
    if (isThere === undefined) continue
    const forkBytes = fork === undefined ? undefined : lsnToBytes(fork)
    const inside = forkBytes !== undefined && start !== undefined && end !== undefined && forkBytes > start && forkBytes < end
    if (inside && isThere.size === state.segmentSizeBytes) {
      settled = await sealPartial({ sealing, source }, settled, file, formatLsn(forkBytes))
    }
    await rm(path, { force: true })
  }
  return settled
}

async function keep({ spool }: Sealing, state: SpoolState): Promise<SpoolState> {
  await spool.writeState(state)
  return state
}
