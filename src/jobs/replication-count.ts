import type { JobVoice } from './serve-job.js'

/**
 * Result of a replication. Parts are counted over the life of one job process: what an earlier one sent is `kept`. An object
 * that was there whole counts as the parts it is made of.
 */
export interface Replicated {
  readonly partsKept: number
  readonly partsSent: number
  readonly bytesKept: number
  readonly bytesSent: number
}

export interface ReplicationCount {
  kept(bytes: number, parts: number): void
  sent(bytes: number): void
  /** Bytes the capture will have stored, as soon as that is known. */
  expect(totalBytes: number): void
  total(): Replicated
}

/** Counts what a replication kept and sent, and says so while it goes on. */
export function createReplicationCount(repository: string, voice: JobVoice): ReplicationCount {
  let [partsKept, partsSent, bytesKept, bytesSent] = [0, 0, 0, 0]
  let totalBytes: number | undefined
  const tell = () =>
    voice.progress({
      step: `replicate ${repository}`,
      doneBytes: bytesKept + bytesSent,
      ...(totalBytes === undefined ? {} : { totalBytes }),
      counters: { 'parts sent': partsSent, ...(partsKept === 0 ? {} : { 'parts kept': partsKept }) },
    })
  return {
    kept(bytes, parts) {
      partsKept += parts
      bytesKept += bytes
      tell()
    },
    sent(bytes) {
      partsSent += 1
      bytesSent += bytes
      tell()
    },
    expect(bytes) {
      totalBytes = bytes
      tell()
    },
    total: () => ({ partsKept, partsSent, bytesKept, bytesSent }),
  }
}
