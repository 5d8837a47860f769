import type { Composition } from '../../composition/compose.js'
import type { SystemName } from '../../domain/ids.js'
import { formatBytes } from '../../domain/quantity.js'
import { type DoctorFinding, failed, ok, warning } from './finding.js'
import { freeSpace } from './free-space.js'

/** What archiving of WAL needs of the server and of this host; nothing where it is not configured. */
export async function checkWal(
  composition: Composition,
  name: SystemName,
  signal: AbortSignal,
): Promise<readonly DoctorFinding[]> {
  const { wal, host } = composition.system(name)
  if (wal === undefined) return []
  const source = await composition.walSource(name)
  const findings = (await source.probe(signal)).map(({ subject, outcome, message, hint = '' }): DoctorFinding => {
    const about = `system ${name}: ${subject}`
    if (outcome === 'ok') return ok(about, message)
    return outcome === 'warning' ? warning(about, message, hint) : failed(about, 'SOURCE_UNSUITABLE', message, hint)
  })
  if (host !== composition.config.host) return findings
  const space = `${wal.spoolDirectory}, ${await freeSpace(wal.spoolDirectory)}, at most ${formatBytes(wal.spoolMaximumBytes)} for it`
  return [...findings, ok(`system ${name}: archiving: spool`, space)]
}
