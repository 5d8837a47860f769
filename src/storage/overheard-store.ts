import type { Store } from './store.js'

/** The same store for a reader who wants to know that it answers: tells of what was got, and of each object of a listing as it comes. */
export function overheardStore(store: Store, onAnswer: () => void): Store {
  return {
    ...store,
    async get(key, options) {
      const body = await store.get(key, options)
      onAnswer()
      return body
    },
    async head(key, options) {
      const found = await store.head(key, options)
      onAnswer()
      return found
    },
    async *list(prefix, options) {
      for await (const object of store.list(prefix, options)) {
        onAnswer()
        yield object
      }
    },
  }
}
