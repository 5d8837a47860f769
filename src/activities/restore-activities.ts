import { Context } from '@temporalio/activity'
import type { Composition } from '../composition/compose.js'
import { HoldfastError } from '../domain/errors.js'
import type { Instance } from '../domain/instance.js'
import type { CheckResult, Recovered, RestoreRequest } from '../domain/operations.js'
import { tablespacesOf } from '../domain/physical-facts.js'
import type { RestoreChoice, RestorePlan } from '../domain/plans.js'
import { extractJobName, prefetchJobName } from '../jobs/job-spec.js'
import { openBackup } from '../jobs/open-backup.js'
import type { Extracted } from '../jobs/run-extract.js'
import { stopGraceMs, stopJob } from '../jobs/stop-job.js'
import { checkAnswering } from './check-answering.js'
import { type BackupQuestion, chooseBackup } from './choose-backup.js'
import { currentRun } from './current-run.js'
import { followReplay, startToRecover } from './follow-replay.js'
import { queuesOf, timeoutsOf } from './plan-parts.js'
import { preflightRestore } from './preflight-restore.js'
import { pulsing, whilePulsing } from './pulsing.js'
import { triedAsLight } from './tried-as-light.js'
import { awaitWal, deliverWal, endDelivery } from './wal-delivery.js'
import { watchJob } from './watch-job.js'

export interface RestoreInput {
  readonly request: RestoreRequest
  readonly choice: RestoreChoice
}

/** Activities of `restoreToNewInstance`. All but `planRestore` run on the host the instance lands on. */
export function createRestoreActivities(composition: Composition) {
  const { config, configPath, provisioner } = composition
  const manifestOf = ({ choice }: RestoreInput) => composition.readManifest(choice.backup, choice.sources)
  const instanceOf = async ({ request }: RestoreInput): Promise<Instance> => {
    const instance = await provisioner.find(request.instance)
    if (instance === undefined) throw new HoldfastError('NOT_FOUND', `instance ${request.instance} is not on this host any more`)
    return instance
  }
  const light = pulsing({
    async planRestore(request: RestoreRequest): Promise<RestorePlan> {
      const { host } = composition.system(request.system)
      return { instance: request.instance, system: request.system, queues: queuesOf(host), timeouts: timeoutsOf(config) }
    },

    /** Asks every repository of the system what it holds and chooses. @throws NOT_FOUND saying what there is */
    chooseBackup: (request: BackupQuestion): Promise<RestoreChoice> =>
      triedAsLight(config, () => chooseBackup(composition, request, Context.current().cancellationSignal)),

    /** Everything that can be known before anything large is fetched. @returns what the operator should know. @throws SPACE_SHORT, TOOL_MISSING, INSTANCE_EXISTS */
    async preflightRestore(input: RestoreInput): Promise<string[]> {
      return preflightRestore(composition, input, await manifestOf(input), Context.current().cancellationSignal)
    },

    /** Directories and port. The same run of the workflow gets the same instance again. */
    async createInstance(input: RestoreInput): Promise<Instance> {
      const manifest = await manifestOf(input)
      const engine = await composition.engine(input.request.system)
      const instance = await provisioner.create({
        name: input.request.instance,
        system: input.request.system,
        backup: manifest.backup,
        owner: currentRun(),
        tablespaceOids: tablespacesOf(manifest.facts).map(({ oid }) => oid),
        binDirectory: await engine.binDirectoryFor(manifest.facts, input.request.serverVersion),
      })
      return instance.state === 'PROVISIONING' ? provisioner.setState(instance.name, 'RESTORING') : instance
    },

    async startInstance(input: RestoreInput): Promise<void> {
      const instance = await instanceOf(input)
      const signal = Context.current().cancellationSignal
      if (input.choice.recovery === undefined) await provisioner.start(instance, signal)
      else await startToRecover(provisioner, instance, signal)
      await provisioner.setState(instance.name, 'REPLAYING')
    },

    async checkInstance(input: RestoreInput): Promise<CheckResult[]> {
      const engine = await composition.engine(input.request.system)
      const instance = await instanceOf(input)
      const signal = Context.current().cancellationSignal
      const { manifest, reader } = await openBackup(input.choice, composition, signal)
      // It may have been killed since it recovered.
      await provisioner.start(instance, signal)
      const request = { instance, manifest, reader, ...selectionOf(input.request), ...recoveryOf(input.choice) }
      return checkAnswering(() => engine.check({ ...request, stage: 'running' }, signal), Context.current().info.attempt)
    },

    async openInstance(input: RestoreInput & { readonly timeline: number }): Promise<Instance> {
      const engine = await composition.engine(input.request.system)
      const login = await engine.loginOf(await instanceOf(input))
      return provisioner.setState(input.request.instance, 'RUNNING', { timeline: input.timeline, login })
    },

    /** Compensation: the extraction ends, and nothing of the instance is left; or all of it, marked FAILED, when that was asked for. */
    async abandonInstance({ request, failure }: { readonly request: RestoreRequest; readonly failure: string }): Promise<void> {
      const signal = Context.current().cancellationSignal
      const instance = await provisioner.find(request.instance)
      // Another run's, made while ours was refused: its extraction has the same name.
      if (instance !== undefined && instance.owner.runId !== currentRun().runId) return
      await stopJob(config.stateDirectory, extractJobName(request.instance), stopGraceMs)
      await stopJob(config.stateDirectory, prefetchJobName(request.instance), stopGraceMs)
      if (request.onFailure === 'keep' && instance !== undefined) {
        await provisioner.stop(instance, signal)
        await provisioner.setState(request.instance, 'FAILED', { failure })
        return
      }
      await provisioner.dispose(request.instance, signal, currentRun())
    },

    /** The recovery is over. @returns which copies of WAL were not used, and why */
    endDelivery: async (input: RestoreInput): Promise<string[]> => endDelivery(composition, await instanceOf(input)),

    async forgetExtraction({ request }: RestoreInput): Promise<void> {
      await stopJob(config.stateDirectory, extractJobName(request.instance), stopGraceMs)
    },
  })

  const watching = {
    /** Starts or adopts the job that fetches, extracts and checks. */
    async extractBackup({ request, choice }: RestoreInput): Promise<Extracted> {
      const { system, instance } = request
      const spec = {
        kind: 'extract',
        configPath,
        system,
        backup: choice.backup,
        instance,
        sources: [...choice.sources],
        ...selectionOf(request),
        ...recoveryOf(choice),
      } as const
      return (await watchJob(config.stateDirectory, spec)) as Extracted
    },

    /** Delivers archived WAL for as long as the recovery goes on; until it is cancelled. */
    deliverWal: (input: RestoreInput): Promise<void> => deliverWal(composition, input),

    /** Until the first of it has arrived. */
    awaitWal: async (input: RestoreInput): Promise<void> => awaitWal(await instanceOf(input)),

    /** Follows replay to the promotion. */
    async followReplay(input: RestoreInput): Promise<Recovered> {
      // A repository that stays silent may keep the manifest's reader waiting for longer than a heartbeat may.
      const read = async () => [await instanceOf(input), await manifestOf(input)] as const
      const [instance, manifest] = await whilePulsing(Context.current(), () => undefined, read)
      const engine = await composition.engine(input.request.system)
      const request = { instance, manifest, ...recoveryOf(input.choice) }
      return followReplay({ engine, provisioner, request, context: Context.current() })
    },
  }
  return { ...light, ...watching }
}

function selectionOf({ only }: RestoreRequest): Pick<RestoreRequest, 'only'> {
  return only === undefined ? {} : { only }
}

function recoveryOf({ recovery }: RestoreChoice): Pick<RestoreChoice, 'recovery'> {
  return recovery === undefined ? {} : { recovery }
}
