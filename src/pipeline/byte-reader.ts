/** Takes a stream apart into pieces of the lengths that are asked for, however its chunks are cut. Holds one piece and one chunk. */
export interface ByteReader {
  /** So many bytes, or fewer where the source ends. To be used before the next call: their memory is used again. */
  upTo(length: number): Promise<Buffer>
}

export function createByteReader(source: AsyncIterable<Buffer>): ByteReader {
  const chunks = source[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)
  let gathered: Buffer = Buffer.alloc(0)

  /** @returns whether there is anything left */
  async function refill(): Promise<boolean> {
    while (rest.length === 0) {
      const next = await chunks.next()
      if (next.done === true) return false
      rest = next.value
    }
    return true
  }

  function takeRest(length: number): Buffer {
    const taken = rest.subarray(0, length)
    rest = rest.subarray(taken.length)
    return taken
  }

  return {
    async upTo(length) {
      await refill()
      if (rest.length >= length) return takeRest(length)
      if (gathered.length < length) gathered = Buffer.allocUnsafeSlow(length)
      let filled = 0
      while (filled < length && (await refill())) filled += takeRest(length - filled).copy(gathered, filled)
      return gathered.subarray(0, filled)
    },
  }
}
