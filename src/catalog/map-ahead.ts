/** Maps a sequence in its order with up to `width` calls under way. Holds `width` items, whatever the sequence's length. */
export async function* mapAhead<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  width: number,
  map: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const underWay: Promise<R>[] = []
  try {
    for await (const item of items) {
      const result = map(item)
      result.catch(() => {}) // its turn comes below; until then Node must not call it unhandled
      underWay.push(result)
      if (underWay.length < width) continue
      const oldest = underWay.shift()
      if (oldest !== undefined) yield await oldest
    }
    while (underWay.length > 0) {
      const oldest = underWay.shift()
      if (oldest !== undefined) yield await oldest
    }
  } finally {
    // The reader left, or one failed: nothing goes on working behind the caller's back.
    await Promise.allSettled(underWay)
  }
}
