import type { Config } from '../config/config.js'
import type { HostQueues, PlanTimeouts } from '../domain/plans.js'

/** Task queues of one host: many slots for what watches, one or two for what reads or writes a whole cluster. */
export function queuesOf(host: string): HostQueues {
  return { host: `host-${host}`, bulk: `host-${host}-bulk` }
}

export function timeoutsOf({ timeouts }: Config): PlanTimeouts {
  const { heartbeatMs, leaseMs, lightMs, captureMs, extractMs, replayMs, retryIntervalMs, retryMaximumIntervalMs } = timeouts
  return { heartbeatMs, leaseMs, lightMs, captureMs, extractMs, replayMs, retryIntervalMs, retryMaximumIntervalMs }
}
