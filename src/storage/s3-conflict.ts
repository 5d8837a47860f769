import { setTimeout as pause } from 'node:timers/promises'
import { s3CodeOf } from './s3-errors.js'
import type { CallOptions } from './store.js'

/** Repeats a conditional request that met another one under way on the same key (409); the SDK does not. */
export async function retryConflicts<T>(attempts: number, { signal }: CallOptions, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (attempt >= attempts || !conflicts.has(s3CodeOf(error) ?? '')) throw error
      await pause(100 * 2 ** attempt, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted())
    }
  }
}

const conflicts = new Set(['ConditionalRequestConflict', 'OperationAborted'])
