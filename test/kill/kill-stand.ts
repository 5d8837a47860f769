import { Client, Connection } from '@temporalio/client'
import { type Composition, compose } from '../../src/composition/compose.js'
import { loadConfig } from '../../src/config/load-config.js'
import { type Stand, type StandOptions, startStand } from '../stand/stand.js'
import type { WorkerProcess } from '../stand/worker-process.js'
import { fillBallast } from './ballast.js'

/** A stand for many backups that are killed: several systems of one source, a worker that is replaced, a client. */
export interface KillStand extends Stand {
  readonly client: Client
  /** As the worker's, in this process: for looking, never for changing what is being tested. */
  readonly composition: Composition
  readonly systems: readonly string[]
  /** Of the worker that is up. */
  workerPid(): number | undefined
  killWorker(): Promise<void>
  /** Starts another when the last one is gone. */
  ensureWorker(): Promise<void>
  /** For work that kills it, perhaps: one at a time, while it is up, and with another one up at the end. */
  withWorker<T>(work: () => Promise<T>): Promise<T>
}

interface KillStandOptions extends StandOptions {
  /** Backups at a time. */
  readonly atOnce: number
}

/** A source whose backup takes two to four seconds with the usual rate, and timeouts of seconds, so that a death is noticed quickly. */
export async function startKillStand({ atOnce, ...options }: KillStandOptions): Promise<KillStand> {
  const systems = Array.from({ length: atOnce }, (_, index) => `shop${index + 1}`)
  const stand = await startStand({
    maxRate: '10MB/s',
    bulkSlots: atOnce,
    systems,
    // Requests are held until somebody has been killed.
    requestTimeout: '1m',
    ...options,
    timeouts: { retryInterval: '100ms', retryMaximumInterval: '500ms', light: '10s', ...options.timeouts },
  })
  await fillBallast(stand.postgres)
  const composition = await compose(await loadConfig({ path: stand.configPath, env: stand.env }), stand.env)
  const connection = await Connection.connect({ address: stand.temporal.address })
  let worker: WorkerProcess | undefined = await stand.startWorker()
  const endWorker = async (how: 'kill' | 'stop') => {
    const ending = worker
    worker = undefined
    await ending?.[how]()
  }
  const ensureWorker = async () => {
    worker ??= await stand.startWorker()
  }
  let before: Promise<unknown> = Promise.resolve()
  return {
    ...stand,
    client: new Client({ connection }),
    composition,
    systems,
    workerPid: () => worker?.pid,
    killWorker: () => endWorker('kill'),
    ensureWorker,
    withWorker(work) {
      const mine = before.then(() => work().finally(ensureWorker))
      before = mine.catch(() => undefined)
      return mine
    },
    async close() {
      await endWorker('stop')
      await connection.close()
      await stand.close()
    },
  }
}
