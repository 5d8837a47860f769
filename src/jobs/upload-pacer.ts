import { setTimeout as delay } from 'node:timers/promises'

/** Waits for the moment at which so many bytes may be sent. Whoever asks first goes first. Rejects when aborted. */
export type Pace = (sizeBytes: number, signal: AbortSignal) => Promise<void>

/** All together no faster than `bytesPerSecond` on average; a pause is not made up for. Undefined: no limit. */
export function createUploadPacer(bytesPerSecond: number | undefined): Pace {
  let freeAtMs = 0
  return async (sizeBytes, signal) => {
    if (bytesPerSecond === undefined) return
    const nowMs = performance.now()
    const startsAtMs = Math.max(freeAtMs, nowMs)
    freeAtMs = startsAtMs + (sizeBytes / bytesPerSecond) * 1000
    if (startsAtMs > nowMs) await delay(startsAtMs - nowMs, undefined, { signal })
  }
}
