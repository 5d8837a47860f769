import { join } from 'node:path'
import { parseRepositoryName } from '../../src/domain/ids.js'
import type { BackupReport, RestoreReport } from '../../src/domain/operations.js'
import { prepareBench, type RestoreBench } from '../restore-kill/restore-round.js'
import { startVersitygw, type Versitygw } from '../servers/versitygw.js'
import { connectOperations, type Operation } from '../stand/operations.js'
import { type Stand, type StandOptions, startStand } from '../stand/stand.js'
import type { WorkerProcess } from '../stand/worker-process.js'

/** A stand on which a backup and a restore run at the same time, each for some seconds. */
export interface OutageBench extends RestoreBench {
  /** The worker that is up; replace it when it was stopped. */
  worker: WorkerProcess
  /** A backup, and a restore of the first backup from the slow repository. */
  startBoth(instance: string): Promise<{ backup: Operation<BackupReport>; restore: Operation<RestoreReport> }>
  close(): Promise<void>
}

export async function startOutageBench(options: StandOptions = {}): Promise<OutageBench> {
  const stand = await startStand({ maxRate: '12MB/s', ...options, timeouts: { heartbeat: '2s', ...options.timeouts } })
  await stand.postgres.fillSample(20_000)
  const worker = await stand.startWorker()
  const operations = await connectOperations(stand.temporal.address)
  const bench = await prepareBench(stand, operations)
  stand.proxy.limitRate(4 * 1024 * 1024)
  const target = { kind: 'backup', backup: bench.backup } as const
  const repository = parseRepositoryName('primary')
  const self: OutageBench = {
    ...bench,
    worker,
    async startBoth(instance) {
      const [backup, restore] = await Promise.all([operations.backup(), operations.restore(instance, { target, repository })])
      return { backup, restore }
    },
    async close() {
      await operations.close()
      await self.worker.stop()
      await stand.close()
    },
  }
  return self
}

/** Brings a stopped S3 server back where it was. @returns the new one, which is the test's own to stop */
export function bringBackS3({ directory, s3 }: Stand): Promise<Versitygw> {
  return startVersitygw({ directory: join(directory, 's3'), port: s3.port })
}
