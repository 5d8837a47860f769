import { setTimeout as delay } from 'node:timers/promises'
import { compareLsn, formatLsn, lsnToBytes, segmentNameAt } from '../../domain/lsn.js'
import type { WalLook, WalServer, WalSource } from '../../engines/wal-source.js'
import type { Sealing } from './seal-file.js'
import { sealPartial } from './seal-partial.js'
import { sealReceived } from './seal-received.js'
import type { SpoolState } from './spool.js'

interface Sampling {
  readonly source: WalSource
  readonly server: WalServer
  readonly sealing: Sealing
  /** Samples up to then have done their work. */
  readonly toldUntil: string | undefined
}

/** The receiver reports once a second; a server that writes a lot is ahead of it at every look, and its segments come anyway. */
const lookAgain = { times: 8, afterMs: 250 }
/** Those a repository may still have to be told of, after days without it. */
const samplesKept = 5_000

/**
 * Notes where the server is at a moment, and seals what has been received of the segment it is in up to there. A server that writes
 * nothing for hours is proven to have written nothing.
 */
export async function takeSample(
  { source, server, sealing, toldUntil = '' }: Sampling,
  before: SpoolState,
  first: WalLook,
): Promise<SpoolState> {
  const { spool, signal } = sealing
  const { at, timeline, lsn } = first
  let receivedLsn = first.receivedLsn
  for (let time = 0; time < lookAgain.times && (receivedLsn === undefined || compareLsn(receivedLsn, lsn) < 0); time += 1) {
    await delay(lookAgain.afterMs, undefined, { signal })
    receivedLsn = (await source.look(server, signal)).receivedLsn
  }
  const samples = [...(await spool.readSamples()).filter((sample) => sample.at > toldUntil), { at, timeline, lsn }].slice(
    -samplesKept,
  )
  await spool.writeSamples(samples)
  if (receivedLsn === undefined || compareLsn(receivedLsn, lsn) < 0) return before
  // Segments may have been completed meanwhile; the partial one comes after them.
  const state = await sealReceived({ source, sealing }, before)
  // Of the segment that holds the byte before: a position at the very end of one is no part of the next.
  const file = segmentNameAt(timeline, formatLsn(lsnToBytes(lsn) - 1n), state.segmentSizeBytes)
  const names = await spool.received()
  return names.includes(`${file}.partial`) ? sealPartial({ source, sealing }, state, file, lsn) : state
}
