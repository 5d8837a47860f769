import { randomUUID } from 'node:crypto'
import { Context } from '@temporalio/activity'
import {
  Client,
  Connection,
  WorkflowFailedError,
  type WorkflowHandle,
  type WorkflowHandleWithFirstExecutionRunId,
} from '@temporalio/client'
import { ApplicationFailure, CancelledFailure } from '@temporalio/common'
import { msToTs } from '@temporalio/common/lib/time.js'
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker'
import type { Activities } from '../../src/activities/index.js'
import { statusQuery, workflowNames } from '../../src/domain/contract-names.js'
import { HoldfastError } from '../../src/domain/errors.js'
import { parseDatabaseName, parseInstanceName, parseSystemName } from '../../src/domain/ids.js'
import type { OperationStatus } from '../../src/domain/operation-status.js'
import type {
  BackupReport,
  BackupRequest,
  DatabaseRestoreReport,
  DatabaseRestoreRequest,
  RestoreReport,
  RestoreRequest,
} from '../../src/domain/operations.js'
import { registerSearchAttributes } from '../../src/observability/search-attributes.js'
import { failureInterceptor } from '../../src/workers/interceptors.js'
import { bundleWorkflows } from './bundle-workflows.js'
import { mockedActivities, type PlannedTimes } from './mocked-activities.js'

export type Script = { readonly [Name in keyof Activities]?: Activities[Name] }

/** One run of a workflow with mocked activities. */
export interface Play<Report> {
  /** The activities in the order in which they began, with what tells two of them apart: `captureAttempt a1`. */
  readonly calls: readonly string[]
  readonly ending: Promise<Ending<Report>>
  readonly handle: WorkflowHandle
  status(): Promise<OperationStatus>
  /** When an activity has begun, `times` times. */
  began(call: string, times?: number): Promise<void>
}

export type Ending<Report> =
  | { readonly outcome: 'done'; readonly report: Report }
  | { readonly outcome: 'failed'; readonly code: string; readonly message: string }
  | { readonly outcome: 'cancelled' }

export interface WorkflowBench {
  backup(script?: Script, times?: Partial<PlannedTimes>): Promise<Play<BackupReport>>
  restore(script?: Script, times?: Partial<PlannedTimes>): Promise<Play<RestoreReport>>
  restoreDatabase(script?: Script, times?: Partial<PlannedTimes>): Promise<Play<DatabaseRestoreReport>>
  archive(script?: Script, times?: Partial<PlannedTimes>): Promise<Play<void>>
  forget(script?: Script, times?: Partial<PlannedTimes>): Promise<Play<void>>
  /** What is started under this id by somebody else follows the script. */
  cast(workflowId: string, script: Script): WorkflowHandle
  /** A backup under this id that goes on until it is terminated: nobody works on it. */
  occupy(workflowId: string): Promise<WorkflowHandleWithFirstExecutionRunId>
  close(): Promise<void>
}

/** The workflows' own code on a real server, in a namespace of its own. Each run has its own mocked activities. */
export async function openWorkflowBench(address: string): Promise<WorkflowBench> {
  // Workflows and activities fail on purpose here.
  Runtime.install({ logger: new DefaultLogger('ERROR') })
  const namespace = `bench-${randomUUID()}`
  const connection = await Connection.connect({ address })
  await makeNamespace(connection, namespace)
  const client = new Client({ connection, namespace })
  const native = await NativeConnection.connect({ address })
  const plays = new Map<string, { readonly activities: Record<string, Run>; readonly calls: string[] }>()
  const dispatch =
    (name: string) =>
    async (...args: never[]) => {
      const play = plays.get(Context.current().info.workflowExecution?.workflowId ?? '')
      const run = play?.activities[name]
      if (run === undefined) throw new Error(`nobody plays ${name}`)
      play?.calls.push([name, ...(name === 'planBackup' ? [] : detailsOf(args))].join(' '))
      return run(...args)
    }
  const worker = await Worker.create({
    connection: native,
    namespace,
    taskQueue: 'holdfast',
    workflowBundle: await bundleWorkflows(),
    activities: Object.fromEntries(Object.keys(mockedActivities({})).map((name) => [name, dispatch(name)])),
    interceptors: { activity: [() => ({ inbound: failureInterceptor })] },
    maxHeartbeatThrottleInterval: 50,
    defaultHeartbeatThrottleInterval: 50,
  })
  const running = worker.run()

  const start = async <Report>(workflow: string, request: object, script: Script, times: Partial<PlannedTimes>) => {
    const workflowId = randomUUID()
    const calls: string[] = []
    plays.set(workflowId, { activities: { ...mockedActivities(times), ...script } as unknown as Record<string, Run>, calls })
    const handle = await client.workflow.start(workflow, { taskQueue: 'holdfast', workflowId, args: [request] })
    return playOf<Report>(handle, calls)
  }
  return {
    backup: (script = {}, times = {}) => start(workflowNames.backupSystem, backupRequest, script, times),
    restore: (script = {}, times = {}) => start(workflowNames.restoreToNewInstance, restoreRequest, script, times),
    restoreDatabase: (script = {}, times = {}) => start(workflowNames.restoreIntoDatabase, databaseRequest, script, times),
    archive: (script = {}, times = {}) => start(workflowNames.archiveWal, asked, script, times),
    forget: (script = {}, times = {}) => start(workflowNames.forgetWal, { ...asked, dropGuard: true }, script, times),
    cast(workflowId, script) {
      plays.set(workflowId, { activities: { ...mockedActivities({}), ...script } as unknown as Record<string, Run>, calls: [] })
      return client.workflow.getHandle(workflowId)
    },
    occupy: (workflowId) =>
      client.workflow.start(workflowNames.backupSystem, { taskQueue: 'nobody', workflowId, args: [backupRequest] }),
    async close() {
      worker.shutdown()
      await running
      await native.close()
      await connection.close()
    },
  }
}

/** What an activity throws whose failure may not be tried again, whatever its code. */
export function finalFailure(code: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable('as the test wants it', code)
}

type Run = (...args: never[]) => Promise<unknown>

const asked = { system: parseSystemName('shop'), requestedBy: 'test', reason: 'test' }
const backupRequest: BackupRequest = { ...asked, kind: 'full' }
const restoreRequest: RestoreRequest = {
  ...asked,
  instance: parseInstanceName('copy'),
  target: { kind: 'latest' },
  onFailure: 'remove',
}
const databaseRequest: DatabaseRestoreRequest = {
  ...asked,
  into: parseSystemName('lab'),
  database: parseDatabaseName('copy'),
  target: { kind: 'latest' },
  owners: 'keep',
}

function playOf<Report>(handle: WorkflowHandle, calls: readonly string[]): Play<Report> {
  const ending = endingOf<Report>(handle)
  return {
    calls,
    handle,
    ending,
    status: () => handle.query<OperationStatus>(statusQuery),
    async began(call, times = 1) {
      while (calls.filter((each) => each === call).length < times) await new Promise((wait) => setTimeout(wait, 10))
    },
  }
}

async function endingOf<Report>(handle: WorkflowHandle): Promise<Ending<Report>> {
  try {
    return { outcome: 'done', report: (await handle.result()) as Report }
  } catch (error) {
    const cause = error instanceof WorkflowFailedError ? error.cause : error
    if (cause instanceof CancelledFailure) return { outcome: 'cancelled' }
    if (cause instanceof ApplicationFailure) return { outcome: 'failed', code: cause.type ?? '', message: cause.message }
    throw error
  }
}

/** What an activity is given first: an attempt, a place, both. Hooks are told when. */
function detailsOf([first, second]: readonly unknown[]): string[] {
  const { attempt, repository, system, repositories } = (first ?? {}) as Readonly<Record<string, unknown>>
  // Of a plan to archive: it has nothing else to tell two apart.
  const archived = repositories === undefined ? undefined : system
  return [archived, attempt, repository, second].filter((detail): detail is string => typeof detail === 'string')
}

/** A namespace is known to all parts of the server a moment after it was made. */
async function makeNamespace(connection: Connection, namespace: string): Promise<void> {
  await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs('1 day') })
  for (let tries = 0; ; tries += 1) {
    try {
      await registerSearchAttributes(connection, namespace)
      return
    } catch (error) {
      if (tries > 200 || !(error instanceof HoldfastError)) throw error
      await new Promise((wait) => setTimeout(wait, 100))
    }
  }
}
