import type { LoadedConfig } from '../config/load-config.js'
import type { SystemName } from '../domain/ids.js'

/** What to write for a system whose WAL the configuration says nothing of. */
export function howToConfigure(system: SystemName, { config }: LoadedConfig): string | undefined {
  const known = config.systems[system]
  if (known === undefined || known.wal !== undefined) return undefined
  const required = known.repositories.at(-1)
  return `write wal: { mode: stream, required: [${required}] } below systems.${system}, restart the workers, then \`holdfast wal start ${system}\``
}
