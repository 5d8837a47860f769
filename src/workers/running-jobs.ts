import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { jobDirectory, readSpec } from '../jobs/job-directory.js'
import { lifeOf } from '../jobs/job-lock.js'
import { jobNameOf } from '../jobs/job-spec.js'

/** Names of the bulk processes that run on this host, such as `capture/avi5_full_2026-01-10T03-00-00Z/a1`. */
export async function runningJobs(stateDirectory: string): Promise<string[]> {
  const entries = await readdir(join(stateDirectory, 'jobs')).catch(() => [])
  const names = await Promise.all(entries.map((entry) => runningJob(stateDirectory, entry)))
  return names.filter((name) => name !== undefined).toSorted()
}

async function runningJob(stateDirectory: string, entry: string): Promise<string | undefined> {
  // Its directory may be on its way out, or hold what another version wrote: neither is a job of ours that runs.
  const spec = await readSpec(join(stateDirectory, 'jobs', entry, 'spec.json')).catch(() => undefined)
  if (spec === undefined) return undefined
  const name = jobNameOf(spec)
  return (await lifeOf(jobDirectory(stateDirectory, name))) === 'running' ? name : undefined
}
