import type { RepositoryName } from '../domain/ids.js'
import { remark } from './output.js'

const patienceMs = 5_000

/** A repository that accepts connections and stays silent costs its timeouts, minutes by default: who waits is told for what. */
export async function sayWhileWaiting<T>(repository: RepositoryName, answer: Promise<T>): Promise<T> {
  const timer = setTimeout(() => remark(`note: waiting for the repository ${repository}`), patienceMs)
  try {
    return await answer
  } finally {
    clearTimeout(timer)
  }
}
