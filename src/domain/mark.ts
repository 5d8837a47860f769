import type { SystemName } from './ids.js'
import type { Lsn } from './lsn.js'

/**
 * A statement of the archiver about one repository: at `at` the server had flushed its WAL up to `lsn` on `timeline`, and all of it
 * up to there is archived here. Version 1 of the format; see src/catalog/FORMAT.md.
 */
export interface Mark {
  readonly formatVersion: 1
  readonly system: SystemName
  /** Decimal digits, as pg_control_system() prints it. */
  readonly systemIdentifier: string
  readonly timeline: number
  readonly lsn: Lsn
  /** By the SERVER's clock, which is also that of its commits. ISO 8601 UTC with milliseconds. */
  readonly at: string
}

/** What the key of a mark says already; the mark's own signature vouches for it. */
export type MarkFacts = Omit<Mark, 'formatVersion' | 'system'>
