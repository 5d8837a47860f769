import { type Client, QueryNotRegisteredError, type WorkflowHandle } from '@temporalio/client'
import { defaultFailureConverter, defaultPayloadConverter } from '@temporalio/common'
import { statusQuery } from '../domain/contract-names.js'
import type { OperationStatus, StepStatus } from '../domain/operation-status.js'
import type { Progress } from '../domain/progress.js'
import { isTemporalAway } from './temporal-failure.js'

export interface Observation {
  readonly steps: readonly StepStatus[]
  /** What keeps it from going on: failures that are tried again, nobody to do the work, Temporal away. */
  readonly remarks: readonly string[]
}

/** Anything that waits this long for somebody to take it has nobody. */
const patienceMs = 8_000
/** One question to Temporal, so that a silent server is told of soon. */
const answerTimeoutMs = 5_000

const awayRemark = 'Temporal does not answer; running jobs go on, and so does this when it is back (Ctrl-C leaves)'

/**
 * Looks at a running workflow: its steps from the query, newest figures from the heartbeats of its activities. What cannot be
 * known at the moment stays as it was last seen, with a remark; a look never throws.
 */
export function createObserver(client: Client, handle: WorkflowHandle): () => Promise<Observation> {
  let steps: readonly StepStatus[] = []
  let away = false
  return async () => {
    try {
      const seen = await look(client, handle)
      steps = seen.steps ?? steps
      const remarks = away ? ['Temporal answers again', ...seen.remarks] : seen.remarks
      away = false
      return { steps, remarks }
    } catch (error) {
      if (!isTemporalAway(error)) return { steps, remarks: [error instanceof Error ? error.message : String(error)] }
      away = true
      return { steps, remarks: [awayRemark] }
    }
  }
}

interface Seen {
  /** Absent when the workflow could not be asked. */
  readonly steps?: readonly StepStatus[]
  readonly remarks: readonly string[]
}

async function look(client: Client, handle: WorkflowHandle): Promise<Seen> {
  const { raw, taskQueue } = await client.withDeadline(Date.now() + answerTimeoutMs, () => handle.describe())
  const remarks: string[] = []
  const figures = new Map<string, Progress>()
  for (const activity of raw.pendingActivities ?? []) {
    const payload = activity.heartbeatDetails?.payloads?.[0]
    const progress = payload == null ? undefined : (defaultPayloadConverter.fromPayload(payload) as Progress | undefined)
    if (progress?.step !== undefined) figures.set(progress.step, progress)
    const name = activity.activityType?.name ?? 'an activity'
    if (activity.lastFailure != null) {
      const failure = defaultFailureConverter.failureToError(activity.lastFailure, defaultPayloadConverter)
      remarks.push(`${name}, attempt ${activity.attempt}: ${failure.message}`)
    } else if (waitsLong(activity.scheduledTime) && activity.lastStartedTime == null) {
      remarks.push(`${name} waits for a worker on its host (or for a free bulk slot)`)
    }
  }
  const noWorker = `no worker takes task queue ${taskQueue}: start \`holdfast worker\``
  const task = raw.pendingWorkflowTask
  if (task != null && waitsLong(task.scheduledTime)) return { remarks: [noWorker] }
  const asked = await askSteps(client, handle)
  if (asked === undefined) return { remarks: [...remarks, noWorker] }
  return { steps: asked.map((step) => withFigures(step, figures.get(step.name))), remarks }
}

/** A worker has to answer; `undefined` when none does. */
async function askSteps(client: Client, handle: WorkflowHandle): Promise<readonly StepStatus[] | undefined> {
  try {
    const status = await client.withDeadline(Date.now() + answerTimeoutMs, () => handle.query<OperationStatus>(statusQuery))
    return status.steps
  } catch (error) {
    // Its first task is not done yet: it has nothing to say.
    if (error instanceof QueryNotRegisteredError) return []
    if (isTemporalAway(error)) return undefined
    throw error
  }
}

function withFigures(step: StepStatus, progress: Progress | undefined): StepStatus {
  return progress === undefined ? step : { ...step, progress }
}

function waitsLong(since: { seconds?: { toString(): string } | null } | null | undefined): boolean {
  if (since?.seconds == null) return false
  return Date.now() - Number(since.seconds.toString()) * 1000 > patienceMs
}
