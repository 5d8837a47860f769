import type { HostAccess } from './connection.js'

/** Who compresses a capture. `auto`: the server if it can, else pg_basebackup, else Holdfast. */
export type CompressionPlace = 'auto' | 'server' | 'client' | 'holdfast'

/** How a PostgreSQL system is reached and captured. */
export interface PostgresEngineOptions extends HostAccess {
  /** Directories of the client and server programs, by major version; others are looked for in the usual places. */
  readonly binDirectories: Readonly<Record<string, string>>
  readonly compression: { readonly where: CompressionPlace; readonly level: number }
  /** Of what goes over the wire: after compression where the server compresses. */
  readonly maxRateBytesPerSecond?: number
  /** How often growing files, progress and recovery are looked at. */
  readonly pollMs: number
}
