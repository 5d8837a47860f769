import { setTimeout as delay } from 'node:timers/promises'
import type { Context } from '@temporalio/activity'
import { HoldfastError } from '../domain/errors.js'
import type { Instance } from '../domain/instance.js'
import type { Recovered } from '../domain/operations.js'
import type { Progress } from '../domain/progress.js'
import type { Engine, RecoverRequest } from '../engines/engine.js'
import type { Provisioner } from '../provisioners/provisioner.js'
import { whilePulsing } from './pulsing.js'
import { createTeller } from './tell-workflow.js'

interface Following {
  readonly engine: Engine
  readonly provisioner: Provisioner
  readonly request: Omit<RecoverRequest, 'progress'>
  readonly context: Context
}

/** One for each change of settings there is, and some for a machine that kills its processes. */
const startsAtMost = 8
/** Longer each time: what a server that was killed has left behind may hold its memory for a while, and then it does not start. */
const pauseMs = 500

/**
 * Follows a recovery to the promotion. A server that was killed is started again, and goes on from its last restart point; so is one
 * whose settings had to be changed.
 */
export async function followReplay({ engine, provisioner, request, context }: Following): Promise<Recovered> {
  const { instance } = request
  const signal = context.cancellationSignal
  const tell = createTeller(context)
  let latest: Progress | undefined
  const progress = (next: Progress) => {
    latest = next
    context.heartbeat(next)
    tell(next)
  }
  for (let starts = 0; ; starts += 1) {
    const end = await engine.recover({ ...request, progress }, signal)
    if (end.outcome === 'recovered')
      return { timeline: end.timeline, ...(end.reached === undefined ? {} : { reached: end.reached }) }
    if (starts === startsAtMost) {
      throw new HoldfastError('RECOVERY_FAILED', `instance ${instance.name} was started ${starts + 1} times: ${end.why}`)
    }
    context.log.warn('the recovering server is started again', { instance: instance.name, why: end.why })
    await whilePulsing(
      context,
      () => latest,
      async () => {
        await delay(starts * pauseMs, undefined, { signal })
        await provisioner.stop(instance, signal)
        await startToRecover(provisioner, instance, signal)
      },
    )
  }
}

/** One that ends at once is judged by who follows it: it may only have replayed all there is. */
export async function startToRecover(provisioner: Provisioner, instance: Instance, signal: AbortSignal): Promise<void> {
  try {
    await provisioner.start(instance, signal)
  } catch (error) {
    if (!(error instanceof HoldfastError && error.code === 'RECOVERY_FAILED')) throw error
  }
}
