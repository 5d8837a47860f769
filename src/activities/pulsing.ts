import { Context } from '@temporalio/activity'

/** Without a heartbeat timeout nobody listens; the interval only has to be something. */
const fallbackMs = 10_000

/**
 * Gives activities that move no bulk data a pulse, so that a dead worker is noticed after the heartbeat timeout and not
 * only after the activity's own. A hang is still found: their start-to-close timeout is short, or they bound silence themselves.
 */
export function pulsing<T extends Record<string, (...args: never[]) => Promise<unknown>>>(activities: T): T {
  const entries = Object.entries(activities).map(([name, run]) => [name, (...args: never[]) => withPulse(() => run(...args))])
  return Object.fromEntries(entries) as T
}

function withPulse<T>(run: () => Promise<T>): Promise<T> {
  return whilePulsing(Context.current(), () => undefined, run)
}

/** @param details of each heartbeat */
export async function whilePulsing<T>(context: Context, details: () => unknown, run: () => Promise<T>): Promise<T> {
  const everyMs = (context.info.heartbeatTimeoutMs ?? fallbackMs) / 3
  const timer = setInterval(() => context.heartbeat(details()), everyMs)
  try {
    return await run()
  } finally {
    clearInterval(timer)
  }
}
