/**
 * Buffers of one part each, used again: to collect and to allocate them anew cost more processor time than to send them. Whoever
 * took one gives it back when nobody reads it any more, and keeps it where that is not known.
 */
export interface PartBuffers {
  take(): Buffer
  give(buffer: Buffer): void
}

/** Made as they are needed: never more than are in use at one time. */
export function createPartBuffers(partBytes: number): PartBuffers {
  const free: Buffer[] = []
  return {
    take: () => free.pop() ?? Buffer.allocUnsafeSlow(partBytes),
    give: (buffer) => void free.push(buffer),
  }
}
