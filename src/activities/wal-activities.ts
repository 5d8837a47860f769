import { Context } from '@temporalio/activity'
import type { Composition } from '../composition/compose.js'
import type { RepositoryName } from '../domain/ids.js'
import type { WalRequest } from '../domain/operations.js'
import type { WalPlan } from '../domain/plans.js'
import { receiveWalJobName, replicateWalJobName } from '../jobs/job-spec.js'
import { stopGraceMs, stopJob } from '../jobs/stop-job.js'
import { queuesOf, timeoutsOf } from './plan-parts.js'
import { pulsing } from './pulsing.js'
import { createConditionTeller } from './tell-workflow.js'
import { watchJob } from './watch-job.js'

/** Activities of `archiveWal`. All but `planWal` run on the system's host. */
export function createWalActivities(composition: Composition) {
  const { config, configPath } = composition
  const light = pulsing({
    /** @throws CONFIG_INVALID where the system's WAL is not to be archived */
    async planWal({ system: name }: WalRequest): Promise<WalPlan> {
      composition.walConfig(name)
      const { host, repositories } = composition.system(name)
      return { system: name, queues: queuesOf(host), repositories, timeouts: timeoutsOf(config) }
    },

    /** Ends the jobs; the spool stays. */
    async stopWal({ system, repositories }: WalPlan): Promise<void> {
      const jobs = [receiveWalJobName(system), ...repositories.map((name) => replicateWalJobName(system, name))]
      await Promise.all(jobs.map((job) => stopJob(config.stateDirectory, job, stopGraceMs)))
    },

    /** From here on the server keeps no WAL for this system. @returns the servers that did */
    async dropGuard({ system }: WalPlan): Promise<readonly string[]> {
      return (await composition.walSource(system)).dropGuard(Context.current().cancellationSignal)
    },
  })
  const watching = {
    /** Starts or adopts the job that receives; it ends only when it is stopped. */
    async receiveWal({ system }: WalPlan): Promise<void> {
      await watchJob(config.stateDirectory, { kind: 'receive-wal', configPath, system }, createConditionTeller)
    },

    /** The same for what feeds one repository. */
    async replicateWal({ system }: WalPlan, to: RepositoryName): Promise<void> {
      await watchJob(config.stateDirectory, { kind: 'replicate-wal', configPath, system, to }, createConditionTeller)
    },
  }
  return { ...light, ...watching }
}
