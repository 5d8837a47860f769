import { chmod, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Places } from '../scripts/demo/places.js'
import { runProgram } from '../src/process/run-program.js'
import { startPostgres, type TestPostgres } from '../test/servers/postgres.js'
import { startTemporal, type TemporalServer } from '../test/servers/temporal.js'
import { createBucket, startVersitygw, type Versitygw } from '../test/servers/versitygw.js'

export const bucket = 'backups'

/** What all contenders share: the server that is backed up, and the bucket. */
export interface Stage {
  readonly places: Places
  readonly source: TestPostgres
  readonly s3: Versitygw
  readonly temporal: TemporalServer
  /** Ctrl-C. */
  readonly signal: AbortSignal
}

export async function setStage(places: Places, signal: AbortSignal): Promise<Stage> {
  // Others pass through: servers of PostgreSQL do not run as root.
  await mkdir(places.directory, { recursive: true })
  await chmod(places.directory, 0o755)
  const [temporal, s3] = await Promise.all([
    startTemporal({ directory: join(places.directory, 'temporal') }),
    startVersitygw({ directory: places.bucketDirectory, tls: true }),
  ])
  await createBucket(s3, bucket)
  const source = await startPostgres({ major: 15, directory: places.directory, settings: sourceSettings })
  return { places, source, s3, temporal, signal }
}

/**
 * As Debian sets a server up, with archiving on, which pgBackRest needs; it goes nowhere but in its own turns. Autovacuum would
 * work beside some runs and not beside others. WAL is written in a few large steps while the tables are filled.
 */
const sourceSettings = {
  shared_buffers: '128MB',
  max_wal_size: '1GB',
  autovacuum: 'off',
  archive_mode: 'on',
  archive_command: 'true',
}

/** Empties the bucket, and writes out what the last contender left in memory: its writing must not fall into the next one's time. */
export async function clearBucket({ places }: Stage): Promise<void> {
  const directory = join(places.bucketDirectory, bucket)
  for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true, force: true })
  await runProgram({ program: 'sync', args: [] }, {})
}
