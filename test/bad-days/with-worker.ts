import { join } from 'node:path'
import type { Stand } from '../stand/stand.js'
import { startWorkerProcess } from '../stand/worker-process.js'

/** Runs `work` while the stand's worker is one with this environment. */
export async function withWorker<T>(stand: Stand, env: Readonly<Record<string, string>>, work: () => Promise<T>): Promise<T> {
  const worker = await startWorkerProcess(env, join(stand.directory, 'worker.log'))
  return work().finally(() => worker.stop())
}
