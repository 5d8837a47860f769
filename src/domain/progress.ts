import type { Condition } from './condition.js'

/** How far one step is. Small: it travels in heartbeats. */
export interface Progress {
  /** What is being done, in the vocabulary of the CLI: `capture`, `replicate primary`, `extract`, `replay`. */
  readonly step: string
  readonly doneBytes: number
  /** Absent while nobody can know. An estimate for captures. */
  readonly totalBytes?: number
  /** What is handled right now, e.g. an artifact's name. */
  readonly item?: string
  /** How far replay is, by the original's clock. ISO 8601 UTC. */
  readonly at?: string
  /** Counters worth showing: parts kept and parts sent of a replication. */
  readonly counters?: Readonly<Record<string, number>>
  /** Where it stands, in words; of work that goes on for ever. */
  readonly facts?: Readonly<Record<string, string>>
  /** What is wrong while it goes on. */
  readonly conditions?: readonly Condition[]
}
