import type { Worker } from '@temporalio/worker'
import { HoldfastError } from '../domain/errors.js'

type OneOfThem = Pick<Worker, 'run' | 'shutdown' | 'getState'>

/**
 * Runs workers until all have ended. One that fails takes the others with it, so that nobody holds the connection any more when its
 * reason is thrown. @throws CONTROL_PLANE
 */
export async function runTogether(workers: readonly OneOfThem[]): Promise<void> {
  const reasons: unknown[] = []
  const running = workers.map(async (worker) => {
    try {
      await worker.run()
    } catch (error) {
      reasons.push(error)
      for (const other of workers) if (other.getState() === 'RUNNING') other.shutdown()
    }
  })
  await Promise.all(running)
  const [first] = reasons
  if (first === undefined) return
  const reason = first instanceof Error ? first.message : String(first)
  throw new HoldfastError('CONTROL_PLANE', `a worker cannot go on: ${reason}`, { cause: first })
}
