import pg from 'pg'
import { expect } from 'vitest'
import type { BackupId } from '../../src/domain/ids.js'
import type { RestoreReport, RestoreRequest } from '../../src/domain/operations.js'
import { parseRestoreTarget } from '../../src/domain/recovery-target.js'
import { startPostgres, type TestPostgres, type TestPostgresOptions } from '../servers/postgres.js'
import { connectOperations, type Ending, type Operations } from '../stand/operations.js'
import { dropInstance } from '../stand/restored.js'
import { type Stand, type StandOptions, startStand } from '../stand/stand.js'
import { startTestArchiver } from '../stand/test-archiver.js'
import type { WorkerProcess } from '../stand/worker-process.js'
import { type Archiver, startArchiver } from './archiver.js'
import { makeTable } from './writer.js'

/** A stand whose WAL is archived, a backup and a worker. */
export interface PitrBench {
  readonly stand: Stand
  readonly source: TestPostgres
  readonly operations: Operations
  readonly archiver: Archiver
  worker: WorkerProcess
  /** The first, taken before anything else. */
  readonly base: BackupId
  backup(): Promise<BackupId>
  restore(name: string, to: string, change?: Partial<RestoreRequest>): Promise<Ending<RestoreReport>>
  /** Restores, compares the rows with 1 to `rows`, and removes the instance. */
  expectRows(name: string, to: string, rows: number, change?: Partial<RestoreRequest>): Promise<RestoreReport>
  close(): Promise<void>
}

interface BenchOptions {
  readonly server: TestPostgresOptions
  /** Made from the server when it is there; the archiver and the backups know of it. It is the test's own to remove. */
  readonly standby?: (source: TestPostgres) => Promise<{ readonly port: number }>
  readonly stand?: StandOptions
  readonly ballast?: number
  /** `test`: nothing is archived but when a test says so, and nothing runs beside it; the product's own where left out. */
  readonly archiver?: 'test'
}

/** For a receiver without a slot, and for restores that go on while the archive does. */
const serverSettings = { wal_keep_size: '1GB', max_slot_wal_keep_size: '2GB' }
/** An archive that is behind by a second or two. */
const archived: StandOptions = { wal: { mode: 'stream', required: ['primary'] }, objectives: { rpo: '3s' } }

export async function openPitrBench(options: BenchOptions): Promise<PitrBench> {
  const { server, stand: settings = {}, ballast, archiver: kind } = options
  const source = await startPostgres({ ...server, settings: { ...serverSettings, ...server.settings } })
  await makeTable(source, ballast)
  const standby = await options.standby?.(source)
  const stand = await startStand({
    ...(kind === 'test' ? {} : archived),
    ...settings,
    ...(standby === undefined ? {} : { otherHosts: [`127.0.0.1:${standby.port}`] }),
    postgres: source,
  })
  const worker = await stand.startWorker()
  const segmentSizeBytes = (server.walSegmentSizeMb ?? 16) * 1024 * 1024
  const archiver =
    kind === 'test' ? await startTestArchiver(source, { ...stand, segmentSizeBytes }) : await startArchiver(source, stand)
  const operations = await connectOperations(stand.temporal.address)
  const restore = async (name: string, to: string, change: Partial<RestoreRequest> = {}) =>
    (await operations.restore(name, { target: parseRestoreTarget(to), ...change })).ending
  const backup = async () => {
    const ending = await (await operations.backup()).ending
    if (ending.outcome === 'failed') throw new Error(ending.message)
    expect(ending.report).toMatchObject({ outcome: 'complete' })
    return ending.report.backup
  }
  const bench: PitrBench = {
    stand,
    source,
    operations,
    archiver,
    worker,
    base: await backup(),
    backup,
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
