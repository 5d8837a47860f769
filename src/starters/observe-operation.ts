import { type Client, QueryNotRegisteredError, type WorkflowHandle } from '@temporalio/client'
import { statusQuery } from '../domain/contract-names.js'
import type { OperationStatus, StepStatus } from '../domain/operation-status.js'
import type { Progress } from '../domain/progress.js'
import { activityWords } from './activity-words.js'
import { type Obstacle, obstacleOf, progressOf, waitsLong } from './pending-activity.js'
import { hasNoPoller, isTemporalAway } from './temporal-failure.js'

export interface Observation {
  readonly steps: readonly StepStatus[]
  /** What it is about, in an operator's words; also what is no step of its own. */
  readonly doing: readonly string[]
  /** What keeps it from going on: failures that are tried again, nobody to do the work, Temporal away. */
  readonly obstacles: readonly Obstacle[]
}

/** One question to Temporal, so that a silent server is told of soon. */
const answerTimeoutMs = 5_000

const away: Obstacle = {
  key: 'away',
  text: 'Temporal does not answer; running jobs go on, and so does this when it is back (Ctrl-C leaves)',
}
const back: Obstacle = { key: 'back', text: 'Temporal answers again' }
const noWorkerKey = 'no worker'

/** Nobody is there to go on with it. */
export function waitsForWorker({ obstacles }: Observation): boolean {
  return obstacles.some(({ key }) => key === noWorkerKey)
}

/**
 * Looks at a running workflow: its steps from the query, newest figures from the heartbeats of its activities. What cannot be
 * known at the moment stays as it was last seen, with an obstacle; a look never throws.
 */
export function createObserver(client: Client, handle: WorkflowHandle): () => Promise<Observation> {
  let seen: Observation = { steps: [], doing: [], obstacles: [] }
  let wasAway = false
  return async () => {
    try {
      const { steps = seen.steps, doing, obstacles } = await look(client, handle)
      seen = { steps, doing, obstacles: wasAway ? [back, ...obstacles] : obstacles }
      wasAway = false
      return seen
    } catch (error) {
      wasAway = isTemporalAway(error)
      const text = error instanceof Error ? error.message : String(error)
      return { ...seen, obstacles: [wasAway ? away : { key: text, text }] }
    }
  }
}

/** `steps` are absent when the workflow could not be asked. */
type Look = Pick<Observation, 'doing' | 'obstacles'> & { readonly steps?: readonly StepStatus[] }

async function look(client: Client, handle: WorkflowHandle): Promise<Look> {
  const { raw, taskQueue } = await client.withDeadline(Date.now() + answerTimeoutMs, () => handle.describe())
  const nowMs = Date.now()
  const pending = raw.pendingActivities ?? []
  const doing = [...new Set(pending.map(({ activityType }) => activityWords(activityType?.name)))]
  const obstacles = pending.map((activity) => obstacleOf(activity, nowMs)).filter((obstacle) => obstacle !== undefined)
  const noWorker: Obstacle = {
    key: noWorkerKey,
    text: `no worker takes task queue ${taskQueue}: start \`holdfast worker\``,
  }
  const task = raw.pendingWorkflowTask
  if (task != null && waitsLong(task.scheduledTime, nowMs)) return { doing, obstacles: [noWorker] }
  const asked = await askSteps(client, handle)
  if (asked === undefined) return { doing, obstacles: [...obstacles, noWorker] }
  const figures = new Map(pending.map(progressOf).flatMap((progress) => (progress?.step ? [[progress.step, progress]] : [])))
  return { steps: asked.map((step) => withFigures(step, figures.get(step.name))), doing, obstacles }
}

/** A worker has to answer; `undefined` when none does. */
async function askSteps(client: Client, handle: WorkflowHandle): Promise<readonly StepStatus[] | undefined> {
  try {
    const status = await client.withDeadline(Date.now() + answerTimeoutMs, () => handle.query<OperationStatus>(statusQuery))
    return status.steps
  } catch (error) {
    // Its first task is not done yet: it has nothing to say.
    if (error instanceof QueryNotRegisteredError) return []
    if (isTemporalAway(error) || hasNoPoller(error)) return undefined
    throw error
  }
}

function withFigures(step: StepStatus, progress: Progress | undefined): StepStatus {
  return progress === undefined ? step : { ...step, progress }
}
