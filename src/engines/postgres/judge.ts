import type { CheckResult } from '../../domain/operations.js'

const stage = 'running'

/** A check of the running server that came out one way or the other. */
export function judge(name: string, holds: unknown, good: string, bad: string): CheckResult {
  return holds === true ? { name, stage, outcome: 'passed', message: good } : { name, stage, outcome: 'failed', message: bad }
}

export function notRun(name: string, message: string): CheckResult {
  return { name, stage, outcome: 'not-run', message }
}
