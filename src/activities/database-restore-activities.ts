import { Context } from '@temporalio/activity'
import type { Composition } from '../composition/compose.js'
import { databasesOf } from '../composition/databases-of.js'
import type { DatabaseRestoreRequest } from '../domain/operations.js'
import type { ReadingPlan, RestoreChoice } from '../domain/plans.js'
import type { DatabasePreflight, NewDatabase, OpenedDatabase } from '../engines/database-restorer.js'
import { fillJobName } from '../jobs/job-spec.js'
import { openBackup } from '../jobs/open-backup.js'
import type { Filled } from '../jobs/run-fill.js'
import { stopGraceMs, stopJob } from '../jobs/stop-job.js'
import { currentRun } from './current-run.js'
import { queuesOf, timeoutsOf } from './plan-parts.js'
import { refuseMissingKey } from './preflight-restore.js'
import { pulsing } from './pulsing.js'
import { watchJob } from './watch-job.js'

export interface DatabaseRestoreInput {
  readonly request: DatabaseRestoreRequest
  readonly choice: RestoreChoice
}

/** Activities of `restoreIntoDatabase`. All but `planDatabaseRestore` run on the host of the system that is restored into. */
export function createDatabaseRestoreActivities(composition: Composition) {
  const { config, configPath } = composition
  const newDatabase = async ({ request, choice }: DatabaseRestoreInput): Promise<NewDatabase> => {
    const backup = await openBackup(choice, composition, Context.current().cancellationSignal)
    const { database: name, owners } = request
    return { ...backup, name, owners, owner: currentRun(), ...fromOf(request), ...onlyOf(request) }
  }
  const forget = (request: DatabaseRestoreRequest) =>
    stopJob(config.stateDirectory, fillJobName(request, currentRun().runId), stopGraceMs)
  const light = pulsing({
    async planDatabaseRestore({ system, into }: DatabaseRestoreRequest): Promise<ReadingPlan> {
      composition.system(system)
      return { system, queues: queuesOf(composition.system(into).host), timeouts: timeoutsOf(config) }
    },

    /** Everything that can be known before the dump is fetched. @throws as `DatabaseRestorer.preflight`, KEY_MISSING */
    async preflightDatabase(input: DatabaseRestoreInput): Promise<DatabasePreflight> {
      await refuseMissingKey(composition, await composition.readManifest(input.choice.backup, input.choice.sources))
      const databases = await databasesOf(composition, input.request.into)
      return databases.preflight(await newDatabase(input), Context.current().cancellationSignal)
    },

    /** Lets everybody in: from here on the database is no longer ours. */
    async openDatabase(input: DatabaseRestoreInput & { readonly identity: string }): Promise<OpenedDatabase> {
      const databases = await databasesOf(composition, input.request.into)
      return databases.open(await newDatabase(input), input.identity, Context.current().cancellationSignal)
    },

    /** Compensation: the job ends, and the database this run made is dropped. */
    async abandonDatabase({ request }: Pick<DatabaseRestoreInput, 'request'>): Promise<void> {
      await forget(request)
      const databases = await databasesOf(composition, request.into)
      await databases.abandon({ name: request.database, owner: currentRun() }, Context.current().cancellationSignal)
    },

    async forgetFilling({ request }: Pick<DatabaseRestoreInput, 'request'>): Promise<void> {
      await forget(request)
    },
  })

  return {
    ...light,
    /** Starts or adopts the job that makes the database, fills it and checks it. */
    async fillDatabase({ request, choice, from }: DatabaseRestoreInput & { readonly from: string }): Promise<Filled> {
      const { system, into, database, owners } = request
      const spec = {
        kind: 'fill',
        configPath,
        ...{ system, backup: choice.backup, into, database, from, owners },
        sources: [...choice.sources],
        owner: currentRun(),
        ...onlyOf(request),
      } as const
      return (await watchJob(config.stateDirectory, spec)) as Filled
    },
  }
}

function onlyOf({ only }: DatabaseRestoreRequest): Pick<DatabaseRestoreRequest, 'only'> {
  return only === undefined ? {} : { only }
}

function fromOf({ from }: DatabaseRestoreRequest): Pick<DatabaseRestoreRequest, 'from'> {
  return from === undefined ? {} : { from }
}
