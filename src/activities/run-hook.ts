import { Context } from '@temporalio/activity'
import { HoldfastError } from '../domain/errors.js'
import type { BackupPlan } from '../domain/plans.js'
import { runProgram } from '../process/run-program.js'

/** Runs one hook, telling it what it is called for. @throws HOOK_FAILED */
export async function runHook(hook: readonly string[], plan: BackupPlan): Promise<void> {
  const context = Context.current()
  const [program, ...args] = hook
  if (program === undefined) return
  const env = { HOLDFAST_SYSTEM: plan.system, HOLDFAST_BACKUP: plan.backup, HOLDFAST_KIND: plan.kind }
  const pulse = setInterval(() => context.heartbeat(), 1000)
  try {
    await runProgram({ program, args, env }, { signal: context.cancellationSignal })
  } catch (error) {
    if (context.cancellationSignal.aborted) throw context.cancellationSignal.reason
    throw new HoldfastError('HOOK_FAILED', `hook ${program} failed: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    })
  } finally {
    clearInterval(pulse)
  }
}
