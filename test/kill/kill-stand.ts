import { Client, Connection } from '@temporalio/client'
import { type Composition, compose } from '../../src/composition/compose.js'
import { loadConfig } from '../../src/config/load-config.js'
import { type ReplacedWorker, startReplacedWorker } from '../stand/replaced-worker.js'
import { type Stand, type StandOptions, startStand } from '../stand/stand.js'
import { fillBallast } from './ballast.js'

/** A stand for many backups that are killed: several systems of one source, and a client. */
export interface KillStand extends Stand {
  readonly client: Client
  /** As the worker's, in this process: for looking, never for changing what is being tested. */
  readonly composition: Composition
  readonly systems: readonly string[]
  readonly worker: ReplacedWorker
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
  const worker = await startReplacedWorker(stand)
  return {
    ...stand,
    client: new Client({ connection }),
    composition,
    systems,
    worker,
    async close() {
      await worker.stop()
      await connection.close()
      await stand.close()
    },
  }
}
