import { Context } from '@temporalio/activity'
import type { Progress } from '../domain/progress.js'
import { attachJob } from '../jobs/attach-job.js'
import type { JobSpec } from '../jobs/job-spec.js'
import { createTeller, type Teller } from './tell-workflow.js'

/**
 * Follows a job from an activity. Heartbeats come from the job's own pulse, so they stop when its process hangs or dies.
 * An abort only detaches: the job goes on, and the next attempt of the activity adopts it.
 */
export async function watchJob(stateDirectory: string, spec: JobSpec, teller: Teller = createTeller): Promise<unknown> {
  const context = Context.current()
  const signal = context.cancellationSignal
  const tell = teller(context)
  let latest: Progress | undefined
  try {
    return await attachJob(spec, {
      stateDirectory,
      signal,
      onPulse: () => context.heartbeat(latest),
      onProgress(progress) {
        latest = progress
        tell(progress)
      },
    })
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  }
}
