import type { Measured } from './measure.js'

/** One way of getting the source into the bucket and back. */
export interface Contender {
  readonly name: ContenderName
  /** Not measured: an empty repository, and room for a restored server. */
  prepare(): Promise<void>
  backUp(): Promise<BackupFigures>
  /** Into a server that accepts connections; it is looked at and removed again. */
  restore?(): Promise<RestoreFigures>
}

/** In the order of the tables. `bound`: PostgreSQL's own copy into a directory, which nothing that reads the same way can beat. */
export const contenderNames = ['holdfast', 'pgbackrest', 'pg_dump', 'bound'] as const
export type ContenderName = (typeof contenderNames)[number]

/** Of the tool's own processes, the server's left out. */
interface Figures {
  readonly wallMs: number
  readonly peakBytes: number
  readonly peakShares: Readonly<Record<string, number>>
  /** Of a command that only shows how the work of others goes on. */
  readonly watcherPeakBytes?: number
  readonly cpuSeconds: number
  /** From the start of the command, or lengths; by the name of a step. */
  readonly stepsMs?: Readonly<Record<string, number>>
}

export interface BackupFigures extends Figures {
  readonly storedBytes: number
  readonly sourceCpuSeconds: number
  /** From the start until the backup exists in the first repository. */
  readonly firstCommitMs?: number
}

export interface RestoreFigures extends Figures {
  /** Without the checks of the running server, where the tool has some. */
  readonly withoutChecksMs?: number
}

/** What of a measured command goes into its figures. */
export function figuresOf({ wallMs, command, worker }: Measured): Figures {
  const works = worker.peakBytes > 0
  return {
    wallMs,
    peakBytes: works ? worker.peakBytes : command.peakBytes,
    peakShares: works ? worker.peakShares : command.peakShares,
    ...(works && { watcherPeakBytes: command.peakBytes }),
    cpuSeconds: command.cpuSeconds + worker.cpuSeconds,
  }
}
