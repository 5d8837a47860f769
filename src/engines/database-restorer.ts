import type { CheckResult } from '../domain/operations.js'
import type { Progress } from '../domain/progress.js'
import type { SelectionRequest } from './engine.js'

/** The run of the workflow a new database belongs to until it is whole. */
export interface DatabaseOwner {
  readonly workflowId: string
  readonly runId: string
}

/** A database that is to be made on a running server: the one the engine is configured for. */
export interface NewDatabase extends SelectionRequest {
  readonly name: string
  /** As the backup calls the original; may be left out where it holds but one. */
  readonly from?: string
  /** `drop`: everything belongs to the role we log in as, and nobody is granted anything. */
  readonly owners: 'keep' | 'drop'
  readonly owner: DatabaseOwner
}

export interface DatabaseToFill extends NewDatabase {
  /** A directory of the caller's for what is needed meanwhile. It is there, and empty. */
  readonly scratchDirectory: string
  readonly progress: (progress: Progress) => void
}

/** What is known before anything is done. */
export interface DatabasePreflight {
  /** The name of the original. */
  readonly from: string
  /** Version and address. */
  readonly server: string
}

export interface FilledDatabase {
  /** What makes it itself, whatever it is called: its OID. */
  readonly identity: string
  readonly checks: readonly CheckResult[]
}

export interface OpenedDatabase {
  readonly connection: { readonly host: string; readonly port: number; readonly user: string }
  /** What could not be set on it as it was on the original. */
  readonly notes: readonly string[]
}

/**
 * Restores into a new database of a server that is not ours alone. No database that is there is touched: what was made carries its
 * owner's mark until it is opened, and without the mark nothing is dropped.
 */
export interface DatabaseRestorer {
  /**
   * Everything that can be known before the dump is fetched; reads the inventory alone.
   * @throws ALREADY_EXISTS; SOURCE_UNSUITABLE naming roles or extensions the server lacks; SOURCE_DENIED; NOT_SUPPORTED; NOT_FOUND; USAGE
   */
  preflight(request: NewDatabase, signal: AbortSignal): Promise<DatabasePreflight>
  /** Makes the database, fills and checks it. Begins anew where an earlier try of the same owner broke off. Belongs into a job. */
  fill(request: DatabaseToFill, signal: AbortSignal): Promise<FilledDatabase>
  /** Lets everybody in who may be, and takes the mark away. Repeatable. @throws NOT_FOUND when it is gone */
  open(request: NewDatabase, identity: string, signal: AbortSignal): Promise<OpenedDatabase>
  /** Drops what this owner made and has not opened. Repeatable. */
  abandon(request: Pick<NewDatabase, 'name' | 'owner'>, signal: AbortSignal): Promise<void>
}
