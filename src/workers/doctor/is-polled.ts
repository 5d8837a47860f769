import type { Connection } from '@temporalio/client'

/** A task queue of Temporal's, and which half of it. */
export interface Queue {
  readonly name: string
  readonly type: typeof workflowTasks | typeof activityTasks
}

export const workflowTasks = 1 as const
export const activityTasks = 2 as const

const answerTimeoutMs = 5_000
/** A worker asks again every minute; one not heard of for longer is gone, though Temporal names it for five. */
const freshMs = 75_000

/** Does a worker wait for work at this queue? */
export async function isPolled(connection: Connection, namespace: string, { name, type }: Queue): Promise<boolean> {
  const question = { namespace, taskQueue: { name }, taskQueueType: type }
  const { pollers } = await connection.withDeadline(Date.now() + answerTimeoutMs, () =>
    connection.workflowService.describeTaskQueue(question),
  )
  const heard = (pollers ?? []).map(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000)
  return heard.some((at) => Date.now() - at < freshMs)
}
