import type { CheckResult } from '../../domain/operations.js'
import type { CheckRequest } from '../engine.js'
import { checkAfterStop } from './check-after-stop.js'
import { checkBeforeStart } from './check-before-start.js'
import { checkRunning } from './check-running.js'

/**
 * Checks a restored instance at one stage. Damage is a result, not an error: errors are only thrown when checking itself is
 * impossible.
 */
export function check(request: CheckRequest, signal: AbortSignal): Promise<CheckResult[]> {
  switch (request.stage) {
    case 'beforeStart':
      return checkBeforeStart(request, signal)
    case 'running':
      return checkRunning(request, signal)
    case 'afterStop':
      return checkAfterStop(request, signal)
  }
}
