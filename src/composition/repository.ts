import type { RepositoryName } from '../domain/ids.js'
import type { Store } from '../storage/store.js'

/** A named place for backups, ready for use. */
export interface Repository extends RepositoryLimits {
  readonly name: RepositoryName
  readonly store: Store
  /** Whether captures go here first. */
  readonly capture: boolean
}

export interface RepositoryLimits {
  readonly partsInFlight: number
  /** Wanted size of the parts of an upload; raised where an object would need too many. */
  readonly partBytes: number
  readonly replicationDeadlineMs: number
}
