import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Connection, type WorkflowHandle } from '@temporalio/client'
import {
  backupWorkflowId,
  databaseRestoreWorkflowId,
  mainTaskQueue,
  restoreWorkflowId,
  statusQuery,
  walWorkflowId,
  workflowNames,
} from '../../src/domain/contract-names.js'
import { type ErrorCode, HoldfastError } from '../../src/domain/errors.js'
import { parseDatabaseName, parseInstanceName, parseSystemName } from '../../src/domain/ids.js'
import type { OperationStatus, StepStatus } from '../../src/domain/operation-status.js'
import type {
  BackupReport,
  BackupRequest,
  DatabaseRestoreReport,
  DatabaseRestoreRequest,
  RestoreReport,
  RestoreRequest,
  WalRequest,
} from '../../src/domain/operations.js'
import { resultOf } from '../../src/starters/operation-result.js'

/** How an operation ended, as a starter sees it. A cancelled one has failed with STOPPED. */
export type Ending<Report> =
  | { readonly outcome: 'done'; readonly report: Report }
  | { readonly outcome: 'failed'; readonly code: ErrorCode; readonly message: string }

export interface Operation<Report> {
  readonly handle: WorkflowHandle
  /** Waits, also across a Temporal server that is away for a while. */
  readonly ending: Promise<Ending<Report>>
  status(): Promise<OperationStatus>
  /** @returns false when the operation ended before the step was in that state. */
  reaches(step: string, state: StepStatus['state']): Promise<boolean>
}

/** Starts operations as the CLI does, without a process for each. */
export interface Operations {
  /** Of `shop` where no system is named. */
  backup(system?: string): Promise<Operation<BackupReport>>
  restore(instance: string, request?: Partial<RestoreRequest>): Promise<Operation<RestoreReport>>
  /** Of `shop`, into a database of `shop` where the request says nothing else. */
  restoreDatabase(database: string, request?: Partial<DatabaseRestoreRequest>): Promise<Operation<DatabaseRestoreReport>>
  /** Of `shop`'s WAL, which goes on until it is cancelled. */
  archive(): Promise<Operation<void>>
  /** Lets the server forget it. */
  forget(): Promise<Operation<void>>
  close(): Promise<void>
}

export async function connectOperations(temporalAddress: string): Promise<Operations> {
  const connection = await Connection.connect({ address: temporalAddress })
  const client = new Client({ connection })
  const asked = { requestedBy: 'test', reason: 'test' }
  const start = async <Report>(workflow: string, workflowId: string, request: object): Promise<Operation<Report>> => {
    const { firstExecutionRunId } = await client.workflow.start(workflow, {
      taskQueue: mainTaskQueue,
      workflowId,
      args: [request],
      // A worker that dies with a workflow's task in its hands is noticed after this.
      workflowTaskTimeout: '4s',
    })
    return follow<Report>(client.workflow.getHandle(workflowId, firstExecutionRunId))
  }
  return {
    async backup(system = 'shop') {
      const request: BackupRequest = { system: parseSystemName(system), kind: 'full', ...asked }
      return start<BackupReport>(workflowNames.backupSystem, backupWorkflowId(system, 'full'), request)
    },
    async restore(instance, change = {}) {
      const request: RestoreRequest = {
        system: parseSystemName('shop'),
        instance: parseInstanceName(instance),
        target: { kind: 'latest' },
        onFailure: 'remove',
        ...asked,
        ...change,
      }
      return start<RestoreReport>(workflowNames.restoreToNewInstance, restoreWorkflowId(instance), request)
    },
    async restoreDatabase(name, change = {}) {
      const system = parseSystemName('shop')
      const database = parseDatabaseName(name)
      const request = { system, into: system, database, target: { kind: 'latest' }, owners: 'keep', ...asked, ...change } as const
      const workflowId = databaseRestoreWorkflowId(request.into, database)
      return start<DatabaseRestoreReport>(workflowNames.restoreIntoDatabase, workflowId, request)
    },
    archive: () => {
      const request: WalRequest = { system: parseSystemName('shop'), ...asked }
      return start<void>(workflowNames.archiveWal, walWorkflowId('shop'), request)
    },
    forget: () => {
      const request: WalRequest = { system: parseSystemName('shop'), dropGuard: true, ...asked }
      return start<void>(workflowNames.forgetWal, walWorkflowId('shop'), request)
    },
    close: () => connection.close(),
  }
}

function follow<Report>(handle: WorkflowHandle): Operation<Report> {
  let over = false
  const ending = endingOf<Report>(handle).finally(() => {
    over = true
  })
  ending.catch(() => undefined)
  const status = () => handle.query<OperationStatus>(statusQuery)
  return {
    handle,
    ending,
    status,
    async reaches(step, state) {
      while (!over) {
        const current = await status().catch(() => undefined)
        if (current?.steps.some((each) => each.name === step && each.state === state)) return true
        await sleep(20)
      }
      return false
    },
  }
}

/** Long runs go on beside others. */
const patienceMs = process.env.HOLDFAST_TEST_LONG === '1' ? 600_000 : 100_000

/** @throws when there is no end in sight, with what the operation is waiting for */
async function endingOf<Report>(handle: WorkflowHandle): Promise<Ending<Report>> {
  const late = sleep(patienceMs, 'late' as const, { ref: false })
  const ending = await Promise.race([untilAnswered<Report>(handle), late])
  if (ending !== 'late') return ending
  throw new Error(`${handle.workflowId} has not ended after ${patienceMs / 1000} s:\n${await describeWait(handle)}`)
}

async function untilAnswered<Report>(handle: WorkflowHandle): Promise<Ending<Report>> {
  const giveUpAt = Date.now() + patienceMs
  for (;;) {
    try {
      return { outcome: 'done', report: await resultOf<Report>(handle) }
    } catch (error) {
      if (error instanceof HoldfastError) return { outcome: 'failed', code: error.code, message: error.message }
      if (Date.now() > giveUpAt) throw error
      await sleep(200)
    }
  }
}

async function describeWait(handle: WorkflowHandle): Promise<string> {
  const { raw } = await handle.describe()
  const pending = raw.pendingActivities?.map(({ activityType, state, attempt, lastFailure }) =>
    [activityType?.name, `state ${state}`, `attempt ${attempt}`, lastFailure?.message].join(', '),
  )
  const status = await handle.query<OperationStatus>(statusQuery).catch((error: unknown) => String(error))
  return [JSON.stringify(status), ...(pending ?? [])].join('\n')
}
