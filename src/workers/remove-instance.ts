import type { Composition } from '../composition/compose.js'
import type { InstanceName } from '../domain/ids.js'
import { extractJobName, prefetchJobName } from '../jobs/job-spec.js'
import { stopGraceMs, stopJob } from '../jobs/stop-job.js'

/**
 * Ends whatever still extracts or delivers WAL into an instance of this host, stops its server, removes everything of it. Repeatable.
 * The caller knows that no workflow is at work on it.
 */
export async function removeInstance(
  { config, provisioner }: Composition,
  name: InstanceName,
  signal: AbortSignal,
): Promise<void> {
  await stopJob(config.stateDirectory, extractJobName(name), stopGraceMs)
  await stopJob(config.stateDirectory, prefetchJobName(name), stopGraceMs)
  await provisioner.dispose(name, signal)
}
