import { ApplicationFailure } from '@temporalio/workflow'
import type { CheckResult } from '../domain/operations.js'

/** @throws CHECK_FAILED naming what is wrong */
export function refuseFailed(checks: readonly CheckResult[]): void {
  const failed = checks.filter(({ outcome }) => outcome === 'failed')
  if (failed.length === 0) return
  const message = failed.map(({ name, message: text }) => `${name}: ${text}`).join('; ')
  throw ApplicationFailure.create({ type: 'CHECK_FAILED', message, nonRetryable: true })
}
