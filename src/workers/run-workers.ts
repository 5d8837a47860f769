import { fileURLToPath } from 'node:url'
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker'
import { createActivities } from '../activities/index.js'
import { queuesOf } from '../activities/plan-parts.js'
import type { Composition } from '../composition/compose.js'
import { temporalConnectionOptions } from '../config/temporal-connection.js'
import { mainTaskQueue } from '../domain/contract-names.js'
import { HoldfastError } from '../domain/errors.js'
import { showPresence } from '../jobs/worker-presence.js'
import { registerSearchAttributes } from '../observability/search-attributes.js'
import { failureInterceptor } from './interceptors.js'
import { runTogether } from './run-together.js'

/** Also the longest delay of a cancellation on its way to an activity. */
const heartbeatThrottleMs = 2_000
/** Temporal's default. */
const stickyPatienceMs = 10_000
/** Activities on the host's own queue only watch: what they cost is a socket each. */
const watchingSlots = 200

/**
 * The workers of one host, until SIGINT or SIGTERM: workflows and light activities on the shared queue, what watches jobs on the
 * host's queue, what occupies disks on its bulk queue. They leave running jobs to the next worker.
 */
export async function runWorkers(composition: Composition, env: NodeJS.ProcessEnv, onReady?: () => void): Promise<void> {
  const { config } = composition
  const { connectionOptions, namespace } = await temporalConnectionOptions(config, env)
  // First of all: while Temporal is away, a worker that is restarted again and again keeps the jobs from giving up.
  const presence = await showPresence(config.stateDirectory)
  try {
    const connection = await connect(connectionOptions)
    try {
      await registerSearchAttributes(connection, namespace)
      const workers = await createWorkers(composition, connection, namespace)
      const running = runTogether(workers)
      onReady?.()
      await running
    } finally {
      await connection.close()
    }
  } finally {
    presence.stop()
  }
}

async function createWorkers(composition: Composition, connection: NativeConnection, namespace: string): Promise<Worker[]> {
  const { config } = composition
  const queues = queuesOf(config.host)
  const base: Omit<WorkerOptions, 'taskQueue'> = {
    connection,
    namespace,
    activities: createActivities(composition),
    interceptors: { activity: [() => ({ inbound: failureInterceptor })] },
    shutdownGraceTime: config.worker.shutdownGraceMs,
    maxHeartbeatThrottleInterval: heartbeatThrottleMs,
    defaultHeartbeatThrottleInterval: heartbeatThrottleMs,
  }
  return Promise.all([
    Worker.create({
      ...base,
      taskQueue: mainTaskQueue,
      workflowBundle: { codePath: fileURLToPath(new URL('../bundle/workflows.js', import.meta.url)) },
      maxCachedWorkflows: 100,
      // After this a dead worker's workflows go to another one: not later than its activities do.
      stickyQueueScheduleToStartTimeout: Math.min(config.timeouts.heartbeatMs, stickyPatienceMs),
    }),
    Worker.create({ ...base, taskQueue: queues.host, maxConcurrentActivityTaskExecutions: watchingSlots }),
    Worker.create({ ...base, taskQueue: queues.bulk, maxConcurrentActivityTaskExecutions: config.worker.bulkSlots }),
  ])
}

async function connect(options: { readonly address: string }): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect(options)
  } catch (error) {
    throw new HoldfastError('CONTROL_PLANE', `cannot reach Temporal at ${options.address}`, { cause: error })
  }
}
