import { setTimeout as delay } from 'node:timers/promises'
import type { Client, WorkflowHandle } from '@temporalio/client'
import { createObserver, waitsForWorker } from './observe-operation.js'
import { resultOf } from './operation-result.js'
import { createProgressDisplay } from './progress-display.js'

/** How following ended: with the workflow's report, or because the operator left; `worker`: whether one was there to go on with it. */
export type Followed<Report> =
  | { readonly kind: 'ended'; readonly report: Report }
  | { readonly kind: 'left'; readonly worker: 'there' | 'missing' }

const observeEveryMs = 500

/**
 * Shows a workflow's progress on standard error until it ends. The first Ctrl-C leaves without stopping it, the second ends this
 * process at once.
 * @throws the workflow's failure
 */
export async function followOperation<Report>(client: Client, handle: WorkflowHandle): Promise<Followed<Report>> {
  const left = new AbortController()
  const ended = new AbortController()
  const leave = () => left.abort()
  process.once('SIGINT', leave)
  const display = createProgressDisplay(process.stderr)
  const observe = createObserver(client, handle)
  const result = resultOf<Report>(handle, left.signal).finally(() => ended.abort())
  result.catch(() => undefined)
  const over = AbortSignal.any([left.signal, ended.signal])
  const interrupted = whenAborted(over)
  let worker: 'there' | 'missing' = 'there'
  try {
    while (!over.aborted) {
      const observation = await Promise.race([observe(), interrupted])
      if (observation !== undefined) {
        display.show(observation)
        worker = waitsForWorker(observation) ? 'missing' : 'there'
      }
      await delay(observeEveryMs, undefined, { signal: over }).catch(() => undefined)
    }
    // Leaving ends the wait for the result as well.
    if (left.signal.aborted) return { kind: 'left', worker }
    // The last look before the end shows no end.
    display.show(await observe())
    return { kind: 'ended', report: await result }
  } finally {
    process.off('SIGINT', leave)
  }
}

function whenAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
