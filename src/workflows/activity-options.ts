import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow'
import type { Activities } from '../activities/index.js'
import { mainTaskQueue } from '../domain/contract-names.js'
import { type HostQueues, lightTries, type PlanTimeouts } from '../domain/plans.js'

/** Before a plan is there, its timeouts are not known: enough for a look at the configuration. */
const planningTimeout = '10 seconds'

/** Work that needs no host: reading the configuration. */
export const planning = proxyActivities<Pick<Activities, 'planBackup' | 'planRestore' | 'planDatabaseRestore' | 'planWal'>>({
  taskQueue: mainTaskQueue,
  startToCloseTimeout: planningTimeout,
  summary: 'read the configuration',
})

/**
 * Activities by what they are, each with its timeouts. Detaching from a job is waited for, so that
 * a compensation that stops the job never meets a watcher of it.
 */
export function activitiesOn(queues: HostQueues, timeouts: PlanTimeouts) {
  const retry = {
    initialInterval: timeouts.retryIntervalMs,
    maximumInterval: timeouts.retryMaximumIntervalMs,
    backoffCoefficient: 2,
  }
  const base = { retry, cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED }
  const { heartbeatMs, lightMs } = timeouts
  return {
    /** Short and bounded: a try may take the light timeout, all tries together a few of them. */
    light: (summary: string) =>
      proxyActivities<Activities>({
        ...base,
        taskQueue: queues.host,
        startToCloseTimeout: lightMs,
        scheduleToCloseTimeout: lightMs * lightTries,
        heartbeatTimeout: heartbeatMs,
        summary,
      }),
    /** What must come to pass: tried for as long as a capture may take. */
    insistent: (summary: string) =>
      proxyActivities<Activities>({
        ...base,
        taskQueue: queues.host,
        startToCloseTimeout: lightMs,
        scheduleToCloseTimeout: timeouts.captureMs,
        heartbeatTimeout: heartbeatMs,
        summary,
      }),
    /**
     * Reads what may be a lot, at the pace of a store: a try may take `limitMs` and finds silence by itself. One that nobody takes is
     * given up after as long as a light step, and so are failures, by whoever fails.
     */
    reading: (summary: string, limitMs: number) =>
      proxyActivities<Activities>({
        ...base,
        taskQueue: queues.host,
        scheduleToStartTimeout: lightMs * lightTries,
        startToCloseTimeout: limitMs,
        scheduleToCloseTimeout: limitMs,
        heartbeatTimeout: heartbeatMs,
        summary,
      }),
    /** Watches something long on the host; `limitMs` is for all tries together. */
    watching: (summary: string, limitMs: number) =>
      proxyActivities<Activities>({
        ...base,
        taskQueue: queues.host,
        startToCloseTimeout: limitMs,
        scheduleToCloseTimeout: limitMs,
        heartbeatTimeout: heartbeatMs,
        summary,
      }),
    /** Reads or writes a whole cluster: one or two at a time on a host, so it may wait for a slot as long as it may take. */
    bulk: (summary: string, limitMs: number) =>
      proxyActivities<Activities>({
        ...base,
        taskQueue: queues.bulk,
        startToCloseTimeout: limitMs,
        scheduleToCloseTimeout: limitMs * 2,
        heartbeatTimeout: heartbeatMs,
        summary,
      }),
  }
}

export type HostActivities = ReturnType<typeof activitiesOn>
