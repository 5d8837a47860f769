import type { Composition } from '../../composition/compose.js'
import { toHoldfastError } from '../../domain/errors.js'
import type { SystemName } from '../../domain/ids.js'
import { formatBytes } from '../../domain/quantity.js'
import { majorOf } from '../../engines/postgres/server-version.js'
import { findServerPrograms } from '../../engines/postgres/tools.js'
import { type DoctorFinding, failed, ok, warning } from './finding.js'

/** What the engine finds at the source, and whether a restored server could run on this host. */
export async function checkSystem(
  composition: Composition,
  name: SystemName,
  signal: AbortSignal,
): Promise<readonly DoctorFinding[]> {
  const engine = await composition.engine(name)
  const kind = composition.system(name).kinds.full === undefined ? 'logical' : 'full'
  const probe = await engine.probe(kind, signal)
  const seen = probe.findings.map(({ subject, outcome, message, hint }): DoctorFinding => {
    const about = `system ${name}: ${subject}`
    if (outcome === 'ok') return ok(about, message)
    if (outcome === 'warning') return warning(about, message, hint ?? '')
    return failed(about, 'SOURCE_UNSUITABLE', message, hint ?? '')
  })
  const size = ok(`system ${name}: size`, `about ${formatBytes(probe.estimatedBytes)}; a restore needs that much`)
  return [...seen, size, await restoreFinding(composition, name, probe.versionNumber, signal)]
}

async function restoreFinding(
  { config }: Composition,
  name: SystemName,
  versionNumber: number,
  signal: AbortSignal,
): Promise<DoctorFinding> {
  const subject = `system ${name}: restore`
  try {
    const directory = await findServerPrograms(config.tools.postgres, majorOf(versionNumber), signal)
    return ok(subject, `the server's programs are in ${directory}`)
  } catch (error) {
    const { message, hint } = toHoldfastError(error)
    return warning(subject, message, hint)
  }
}
