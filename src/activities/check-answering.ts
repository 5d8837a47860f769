import { HoldfastError } from '../domain/errors.js'
import type { CheckResult } from '../domain/operations.js'

/** Enough for a machine that kills its processes. */
const triesAtMost = 5

/**
 * A server that goes away while it is checked may have been killed: it is started and asked again. One that does so each time does not
 * survive what was restored.
 * @throws SOURCE_UNAVAILABLE, to be tried again
 */
export async function checkAnswering(check: () => Promise<CheckResult[]>, attempt: number): Promise<CheckResult[]> {
  try {
    return await check()
  } catch (error) {
    if (!(error instanceof HoldfastError && error.code === 'SOURCE_UNAVAILABLE') || attempt < triesAtMost) throw error
    return [{ name: 'connection', stage: 'running', outcome: 'failed', message: error.message }]
  }
}
