import { Context } from '@temporalio/activity'
import { backupPrefix } from '../catalog/keys.js'
import type { Composition } from '../composition/compose.js'
import { HoldfastError } from '../domain/errors.js'
import { backupIdFor, type RepositoryName } from '../domain/ids.js'
import type { Manifest, StoredCapture } from '../domain/manifest.js'
import type { BackupRequest } from '../domain/operations.js'
import type { BackupPlan, CopyPlan, Precheck } from '../domain/plans.js'
import { isOfJob } from '../jobs/job-failure.js'
import { captureJobName, replicateJobName } from '../jobs/job-spec.js'
import type { Replicated } from '../jobs/replication-count.js'
import { stopGraceMs, stopJob } from '../jobs/stop-job.js'
import { toApplicationFailure } from './application-failure.js'
import { discardCopy, discardSentCopy } from './discard-copy.js'
import { queuesOf, timeoutsOf } from './plan-parts.js'
import { precheckBackup } from './precheck-backup.js'
import { pulsing } from './pulsing.js'
import { runHook } from './run-hook.js'
import { watchJob } from './watch-job.js'

/** One attempt at one backup. */
export interface AttemptInput {
  readonly plan: BackupPlan
  readonly attempt: string
}

export interface CopyInput extends AttemptInput {
  readonly repository: RepositoryName
}

/** Activities of `backupSystem`. All but `planBackup` run on the system's host. */
export function createBackupActivities(composition: Composition) {
  const { config, configPath } = composition
  const planCopy = async (name: RepositoryName): Promise<CopyPlan> => {
    // From the configuration alone: this runs anywhere, and the secrets of a repository are on the hosts that use it.
    const { replicationDeadlineMs, partBytes } = composition.repositoryLimits(name)
    return { repository: name, deadlineMs: replicationDeadlineMs, partBytes }
  }
  const light = pulsing({
    /** Turns a request into a plan, from the configuration. @param dueAt ISO 8601 */
    async planBackup(request: BackupRequest, dueAt: string): Promise<BackupPlan> {
      const system = composition.system(request.system)
      const kind = system.kinds[request.kind]
      const repositories = kind?.repositories ?? system.repositories
      if (request.kind !== 'full' && request.kind !== 'logical') {
        throw new HoldfastError('NOT_SUPPORTED', `backups of kind ${request.kind} are not supported by this version`)
      }
      const backup = backupIdFor(request.system, request.kind, new Date(dueAt))
      const copies = repositories.filter((name) => name !== system.captureRepository)
      return {
        backup,
        prefix: backupPrefix(backup),
        system: request.system,
        kind: request.kind,
        dueAt,
        queues: queuesOf(system.host),
        captureRepository: system.captureRepository,
        copies: await Promise.all(copies.map(planCopy)),
        timeouts: timeoutsOf(config),
      }
    },

    /** Looks at the source, the tools, the disk and the capture repository. @throws what would make a capture fail */
    precheck: (plan: BackupPlan): Promise<Precheck> => precheckBackup(composition, plan, Context.current().cancellationSignal),

    /** The point of no return for this repository. Repeating it is harmless. */
    async commitManifest({ repository }: { repository: RepositoryName }, manifest: Manifest): Promise<void> {
      const catalog = await composition.catalog(repository)
      await catalog.commit(manifest, { signal: Context.current().cancellationSignal })
      await catalog.read(manifest.backup)
    },

    /** Compensation: ends the capture job and removes every byte of the attempt from the capture repository, unless it is committed. */
    async discardCapture({ plan, attempt }: AttemptInput): Promise<'removed' | 'committed'> {
      await stopJob(config.stateDirectory, captureJobName({ backup: plan.backup, attempt }), stopGraceMs)
      return discardCopy(composition, plan.captureRepository, plan.backup, attempt)
    },

    /** Compensation: ends a copy's job, aborts its uploads, removes its objects, unless it is committed. */
    async discardReplica({ plan, attempt, repository }: CopyInput): Promise<'removed' | 'committed'> {
      await stopJob(config.stateDirectory, replicateJobName({ backup: plan.backup, attempt, to: repository }), stopGraceMs)
      return discardSentCopy(composition, repository, plan.backup, attempt, Context.current().cancellationSignal)
    },

    /** Removes what the jobs of a finished attempt left in the state directory. */
    async forgetJobs({ plan, attempt }: AttemptInput): Promise<void> {
      const { backup, copies } = plan
      await stopJob(config.stateDirectory, captureJobName({ backup, attempt }), stopGraceMs)
      for (const { repository } of copies) {
        await stopJob(config.stateDirectory, replicateJobName({ backup, attempt, to: repository }), stopGraceMs)
      }
    },
  })

  const watching = {
    async runHooks(plan: BackupPlan, when: 'before' | 'after'): Promise<void> {
      for (const hook of composition.system(plan.system).hooks[when]) await runHook(hook, plan)
    },

    /**
     * Starts or adopts the capture job and follows it. A failure of the job is final for this attempt: a dump cannot be rewound.
     * A failure of the watching itself (no file descriptor, no memory for a process) says nothing of the job: it is tried again.
     */
    async captureAttempt({ plan, attempt }: AttemptInput): Promise<StoredCapture> {
      const { backup, system, kind: backupKind } = plan
      const spec = { kind: 'capture', configPath, system, backup, backupKind, attempt } as const
      try {
        return (await watchJob(config.stateDirectory, spec)) as StoredCapture
      } catch (error) {
        if (Context.current().cancellationSignal.aborted) throw error
        throw toApplicationFailure(error, isOfJob(error) ? 'final' : 'by-code')
      }
    },

    /** Starts or adopts the job that feeds one repository while the capture runs. */
    async replicateAttempt({ plan, attempt, repository, partBytes }: CopyInput & { partBytes: number }): Promise<Replicated> {
      const { backup, system } = plan
      const captureJob = captureJobName({ backup, attempt })
      const spec = { kind: 'replicate', configPath, system, backup, attempt, to: repository, captureJob, partBytes } as const
      return (await watchJob(config.stateDirectory, spec)) as Replicated
    },

    /** Size and checksum of every artifact of a copy, as the repository has it. @throws ARTIFACT_DAMAGED, ARTIFACT_MISSING */
    async verifyCopy({ repository }: { repository: RepositoryName }, manifest: Manifest): Promise<void> {
      const context = Context.current()
      const catalog = await composition.catalog(repository)
      const [problem, ...others] = await catalog.checkArtifacts(manifest, {
        signal: context.cancellationSignal,
        onBytes: (bytes) => context.heartbeat(bytes),
        onChecked: (artifact) => context.heartbeat(artifact),
      })
      if (problem === undefined) return
      const more = others.length === 0 ? '' : ` (and ${others.length} more)`
      throw new HoldfastError(problem.code, `${problem.message} in repository ${repository}${more}`)
    },
  }
  return { ...light, ...watching }
}
