import { type Catalog, createCatalog } from '../catalog/catalog.js'
import type { Composition } from '../composition/compose.js'
import { toHoldfastError } from '../domain/errors.js'
import type { RepositoryName } from '../domain/ids.js'
import type { KeyRing } from '../domain/keys.js'
import { overheardStore } from '../storage/overheard-store.js'
import type { Store } from '../storage/store.js'
import { limitSilence } from './limit-silence.js'
import { timeoutsOf } from './plan-parts.js'
import type { Unread } from './read-catalogs.js'

interface Asking {
  readonly composition: Pick<Composition, 'config' | 'repository' | 'keys'>
  /** In the order in which the answers are wanted. */
  readonly repositories: readonly RepositoryName[]
  /** Of the time one try of a light step has: how long one repository may be silent. What it tells may take as long as it takes. */
  readonly share: number
  /** Of the step. */
  readonly signal: AbortSignal
}

/** A repository that is asked. Its store, and so its catalogue, is listened to. */
export interface Asked {
  readonly repository: RepositoryName
  readonly store: Store
  readonly catalog: Catalog
  readonly keys: KeyRing
  readonly signal: AbortSignal
}

export type Answer<T> = { readonly distance: number; readonly repository: RepositoryName; readonly answer: T } | Unread

/**
 * Asks all repositories at once: one that accepts connections and stays silent, or falls silent later, costs its own share of the time,
 * and not the answers of the others.
 * @returns in the order of the repositories, nearest first
 */
export async function askRepositories<T>(
  { composition, repositories, share, signal }: Asking,
  ask: (asked: Asked) => Promise<T>,
): Promise<Answer<T>[]> {
  const limitMs = Math.ceil(timeoutsOf(composition.config).lightMs * share)
  return await Promise.all(
    repositories.map(async (repository, distance): Promise<Answer<T>> => {
      const over = new AbortController()
      const asked = AbortSignal.any([signal, over.signal])
      const limit = limitSilence(limitMs, signal)
      const answering = async () => {
        const keys = await composition.keys()
        const store = overheardStore((await composition.repository(repository)).store, limit.heard)
        return ask({ repository, store, catalog: createCatalog({ store, keys }), keys, signal: asked })
      }
      try {
        return { distance, repository, answer: await Promise.race([answering(), limit.silence]) }
      } catch (error) {
        signal.throwIfAborted()
        return { where: repository, problem: toHoldfastError(error) }
      } finally {
        limit.end()
        over.abort()
      }
    }),
  )
}
