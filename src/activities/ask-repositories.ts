import { setTimeout as delay } from 'node:timers/promises'
import type { Composition } from '../composition/compose.js'
import { HoldfastError, toHoldfastError } from '../domain/errors.js'
import type { RepositoryName } from '../domain/ids.js'
import { timeoutsOf } from './plan-parts.js'
import type { Unread } from './read-catalogs.js'

interface Asking {
  readonly composition: Pick<Composition, 'config'>
  /** In the order in which the answers are wanted. */
  readonly repositories: readonly RepositoryName[]
  /** Of the time one try of a light step has: what one repository may take to answer. */
  readonly share: number
  /** Of the step. */
  readonly signal: AbortSignal
}

export type Answer<T> = { readonly distance: number; readonly repository: RepositoryName; readonly answer: T } | Unread

/**
 * Asks all repositories at once: one that accepts connections and stays silent costs its own share of the time, and not the answers of
 * the others.
 * @returns in the order of the repositories, nearest first
 */
export async function askRepositories<T>(
  { composition, repositories, share, signal }: Asking,
  ask: (repository: RepositoryName, signal: AbortSignal) => Promise<T>,
): Promise<Answer<T>[]> {
  const limitMs = Math.ceil(timeoutsOf(composition.config).lightMs * share)
  return await Promise.all(
    repositories.map(async (repository, distance): Promise<Answer<T>> => {
      const over = new AbortController()
      const asked = AbortSignal.any([signal, over.signal])
      const silence = async (): Promise<never> => {
        await delay(limitMs, undefined, { signal: asked })
        throw new HoldfastError('STORE_UNAVAILABLE', `did not answer within ${Math.ceil(limitMs / 1000)} s`)
      }
      try {
        return { distance, repository, answer: await Promise.race([ask(repository, asked), silence()]) }
      } catch (error) {
        signal.throwIfAborted()
        return { where: repository, problem: toHoldfastError(error) }
      } finally {
        over.abort()
      }
    }),
  )
}
