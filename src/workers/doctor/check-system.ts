import type { Composition } from '../../composition/compose.js'
import type { SystemConfig } from '../../config/config.js'
import { toHoldfastError } from '../../domain/errors.js'
import type { SystemName } from '../../domain/ids.js'
import { formatBytes } from '../../domain/quantity.js'
import type { Engine, Probe } from '../../engines/engine.js'
import { majorOf } from '../../engines/postgres/server-version.js'
import { findServerPrograms } from '../../engines/postgres/tools.js'
import { checkWal } from './check-wal.js'
import { type DoctorFinding, failed, ok, warning } from './finding.js'

/** What the engine finds at the source, and whether a restored server could run on this host. */
export async function checkSystem(
  composition: Composition,
  name: SystemName,
  signal: AbortSignal,
): Promise<readonly DoctorFinding[]> {
  const engine = await composition.engine(name)
  const [probe, ...others] = await probeKinds(engine, composition.system(name), signal)
  const findings = [probe, ...others].flatMap((each) => each.findings)
  // What every kind needs is looked at for each, and told once.
  const first = findings.filter(({ subject }, index) => findings.findIndex((other) => other.subject === subject) === index)
  const seen = first.map(({ subject, outcome, message, hint }): DoctorFinding => {
    const about = `system ${name}: ${subject}`
    if (outcome === 'ok') return ok(about, message)
    if (outcome === 'warning') return warning(about, message, hint ?? '')
    return failed(about, 'SOURCE_UNSUITABLE', message, hint ?? '')
  })
  const size = ok(`system ${name}: size`, `about ${formatBytes(probe.estimatedBytes)}; a restore needs that much`)
  const archiving = await checkWal(composition, name, signal)
  return [...seen, ...archiving, size, await restoreFinding(composition, name, probe.versionNumber, signal)]
}

/** For the kinds of backups that are configured; for full ones where none is. */
async function probeKinds(engine: Engine, { kinds }: SystemConfig, signal: AbortSignal): Promise<[Probe, ...Probe[]]> {
  if (kinds.logical === undefined) return [await engine.probe('full', signal)]
  if (kinds.full === undefined) return [await engine.probe('logical', signal)]
  return [await engine.probe('full', signal), await engine.probe('logical', signal)]
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
