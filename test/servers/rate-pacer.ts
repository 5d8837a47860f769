import { Transform } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

/** Slows any number of streams down to one rate together. */
export interface RatePacer {
  /** The counting stage passed in, with waits before each chunk. */
  pace(count: (bytes: number) => void): Transform
  limit(bytesPerSecond: number | undefined): void
}

export function ratePacer(): RatePacer {
  let rate: number | undefined
  let freeAt = 0
  const wait = async (bytes: number): Promise<void> => {
    if (rate === undefined) return
    const now = performance.now()
    freeAt = Math.max(freeAt, now) + (bytes / rate) * 1000
    await sleep(freeAt - now)
  }
  return {
    pace: (count) =>
      new Transform({
        transform(chunk: Buffer, _encoding, done) {
          wait(chunk.length).then(() => {
            count(chunk.length)
            done(null, chunk)
          }, done)
        },
      }),
    limit: (bytesPerSecond) => {
      rate = bytesPerSecond
      freeAt = 0
    },
  }
}
