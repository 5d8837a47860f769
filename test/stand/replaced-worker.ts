import type { Stand } from './stand.js'
import type { WorkerProcess } from './worker-process.js'

/** A worker that is killed, and replaced by another one. */
export interface ReplacedWorker {
  /** Of the one that is up. */
  pid(): number | undefined
  kill(): Promise<void>
  /** Starts another when the last one is gone. */
  ensure(): Promise<void>
  /** For work that kills it, perhaps: one at a time, while it is up, and with another one up at the end. */
  during<T>(work: () => Promise<T>): Promise<T>
  stop(): Promise<void>
}

export async function startReplacedWorker(stand: Stand): Promise<ReplacedWorker> {
  let worker: WorkerProcess | undefined = await stand.startWorker()
  const end = async (how: 'kill' | 'stop') => {
    const ending = worker
    worker = undefined
    await ending?.[how]()
  }
  const ensure = async () => {
    worker ??= await stand.startWorker()
  }
  let before: Promise<unknown> = Promise.resolve()
  return {
    pid: () => worker?.pid,
    kill: () => end('kill'),
    ensure,
    during(work) {
      const mine = before.then(() => work().finally(ensure))
      before = mine.catch(() => undefined)
      return mine
    },
    stop: () => end('stop'),
  }
}
