import type { LoadedConfig } from '../../config/load-config.js'
import { formatDuration } from '../../domain/quantity.js'
import { type DoctorFinding, ok, warning } from './finding.js'

/** Three times of what workers show themselves in: below it a busy machine ends jobs that nobody has left. */
const shortestPatienceMs = 30_000

/** What a valid file says and an operator may take for something else. */
export function checkConfiguration({ config, path }: LoadedConfig): readonly DoctorFinding[] {
  const { repositories, timeouts } = config
  const expiring = Object.values(repositories).filter(({ retention }) => Object.keys(retention).length > 0)
  return [
    ok('configuration', `${path} is valid; this host is ${config.host}`),
    ...(expiring.length === 0 ? [] : [keeping(expiring.map(({ name }) => name))]),
    ...(timeouts.jobPatienceMs < shortestPatienceMs ? [impatient(timeouts.jobPatienceMs)] : []),
  ]
}

function keeping(names: readonly string[]): DoctorFinding {
  const message = `\`retention\` of ${names.join(', ')} is not acted on: nothing is removed by this version`
  return warning('retention', message, 'watch the free space, and remove old backups by hand; or take `retention` out')
}

function impatient(patienceMs: number): DoctorFinding {
  const message = `jobs end when no worker has shown itself for ${formatDuration(patienceMs)}, and a worker does so every 10 s`
  return warning('timeouts.jobPatience', message, `write ${formatDuration(shortestPatienceMs)} or more; the default is 30m`)
}
