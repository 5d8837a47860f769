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
  /** Of logical backups; the defaults are all databases, one at a time. */
  readonly logical?: LogicalOptions
  /** How long a dump waits for a lock on a table; a minute where left out. */
  readonly lockWaitMs?: number
  /** How often growing files, progress and recovery are looked at. */
  readonly pollMs: number
}

export interface LogicalOptions {
  /** Names; absent: all that allow connections, without the templates. */
  readonly databases?: readonly string[]
  /** Connections to dump and restore with. Above 1, dumps lie uncompressed in the scratch directory for a while. */
  readonly jobs: number
}
