import { setTimeout as delay } from 'node:timers/promises'

/** @throws `signal.reason`, and not Node's own error for an aborted timer */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined)
  signal.throwIfAborted()
}
