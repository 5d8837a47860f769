import { setTimeout as pause } from 'node:timers/promises'
import { s3CodeOf } from './s3-errors.js'
import type { CallOptions } from './store.js'

/** Repeats a request that met another one under way (409); the SDK does not. */
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

/** The last is what versitygw says when a directory is removed between its look and its write. */
const conflicts = new Set(['ConditionalRequestConflict', 'OperationAborted', 'ExistingObjectIsDirectory'])
