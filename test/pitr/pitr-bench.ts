import pg from 'pg'
import { expect } from 'vitest'
import type { RestoreReport, RestoreRequest } from '../../src/domain/operations.js'
import { parseRestoreTarget } from '../../src/domain/recovery-target.js'
import { startPostgres, type TestPostgres, type TestPostgresOptions } from '../servers/postgres.js'
import { connectOperations, type Ending, type Operations } from '../stand/operations.js'
import { dropInstance } from '../stand/restored.js'
import { type Stand, type StandOptions, startStand } from '../stand/stand.js'
import { startTestArchiver, type TestArchiver } from '../stand/test-archiver.js'
import type { WorkerProcess } from '../stand/worker-process.js'
import { makeTable } from './writer.js'

/** A stand whose WAL is archived, a backup and a worker. */
export interface PitrBench {
  readonly stand: Stand
  readonly source: TestPostgres
  readonly operations: Operations
  readonly archiver: TestArchiver
  worker: WorkerProcess
  restore(name: string, to: string, change?: Partial<RestoreRequest>): Promise<Ending<RestoreReport>>
  /** Restores, compares the rows with 1 to `rows`, and removes the instance. */
  expectRows(name: string, to: string, rows: number, change?: Partial<RestoreRequest>): Promise<RestoreReport>
  close(): Promise<void>
}

interface BenchOptions {
  readonly server: TestPostgresOptions
  readonly stand?: StandOptions
  readonly ballast?: number
}

export async function openPitrBench({ server, stand: settings = {}, ballast }: BenchOptions): Promise<PitrBench> {
  // The receiver of tests has no slot.
  const source = await startPostgres({ ...server, settings: { wal_keep_size: '1GB', ...server.settings } })
  const stand = await startStand({ ...settings, postgres: source })
  await makeTable(source, ballast)
  const segmentSizeBytes = (server.walSegmentSizeMb ?? 16) * 1024 * 1024
  const archiver = await startTestArchiver(source, { ...stand, segmentSizeBytes })
  const operations = await connectOperations(stand.temporal.address)
  const worker = await stand.startWorker()
  const restore = async (name: string, to: string, change: Partial<RestoreRequest> = {}) =>
    (await operations.restore(name, { target: parseRestoreTarget(to), ...change })).ending
  const bench: PitrBench = {
    stand,
    source,
    operations,
    archiver,
    worker,
    restore,
    async expectRows(name, to, rows, change) {
      const ending = await restore(name, to, change)
      if (ending.outcome === 'failed') throw new Error(`${name} to ${to}: ${ending.code}: ${ending.message}`)
      expect(await rowsOf(source, ending.report), `${name}, restored to ${to}`).toEqual({ rows, last: rows, unfinished: null })
      await dropInstance(stand, name)
      return ending.report
    },
    async close() {
      await operations.close()
      await archiver.stop()
      await bench.worker.stop()
      await stand.close()
      await source.dispose()
    },
  }
  const ending = await (await operations.backup()).ending
  expect(ending).toMatchObject({ outcome: 'done', report: { outcome: 'complete' } })
  return bench
}

export async function rowsOf({ user, password }: TestPostgres, { connection: { host, port } }: RestoreReport): Promise<unknown> {
  const client = new pg.Client({ host, port, user, password, database: 'postgres' })
  await client.connect()
  try {
    const query = `select count(*)::int as rows, coalesce(max(number), 0) as last, to_regclass('unfinished')::text as unfinished from numbered`
    return (await client.query(query)).rows[0]
  } finally {
    await client.end()
  }
}
