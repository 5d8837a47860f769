import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { expect } from 'vitest'
import { parseLsn } from '../../src/domain/lsn.js'
import { makeTable, startWriter } from '../pitr/writer.js'
import { startPostgres, type TestPostgres } from '../servers/postgres.js'
import { connectOperations } from '../stand/operations.js'
import { startArchiveBench, until } from '../wal/archive-bench.js'
import { startStandby } from '../wal/standby.js'
import { restoreMomentByHand } from './moment-by-hand.js'
import { stopServer } from './plain-bench.js'
import { type PlainMachine, type PlainResult, plainMachine } from './plain-machine.js'

/** Rows 1 to `rows` were committed by `at`, and no other. */
export interface WrittenMoment {
  readonly rows: number
  readonly at: string
}

/** A backup, and WAL as the archiver stored it: of a primary, and of the standby that took over from it. The servers are gone. */
export interface MomentBench {
  readonly machine: PlainMachine
  readonly directory: string
  readonly bucket: readonly string[]
  /** `--key` with its file, where the repositories are encrypted. */
  readonly key: readonly string[]
  /** `--bin` with its directory. */
  readonly programs: readonly string[]
  readonly beforePromotion: readonly WrittenMoment[]
  readonly afterPromotion: readonly WrittenMoment[]
  /** The last mark: by then everything was archived, and nothing had been committed for a while. */
  readonly idleAt: string
  /** Restores a moment as FORMAT.md says, from the bucket, and compares. */
  expectRowsByHand(moment: WrittenMoment): Promise<void>
  /** A copy of the repository in a directory, to be damaged. */
  copyOfRepository(): Promise<string>
  /** Compares what a restored server holds with a moment, and removes it. */
  expectRows(target: string, restored: PlainResult, rows: number): Promise<void>
  close(): Promise<void>
}

interface MomentBenchOptions {
  readonly major: 15 | 18
  readonly walSegmentSizeMb: number
  readonly encryption?: 'off'
}

export async function startMomentBench({ major, walSegmentSizeMb, encryption }: MomentBenchOptions): Promise<MomentBench> {
  const settings = { max_slot_wal_keep_size: '1GB', wal_keep_size: '256MB', hot_standby: 'on' }
  const primary = await startPostgres({ major, walSegmentSizeMb, settings })
  await makeTable(primary, 2000)
  const standby = await startStandby(primary)
  const otherHosts = [`127.0.0.1:${standby.port}`]
  const bench = await startArchiveBench({ server: primary, otherHosts, ...(encryption === undefined ? {} : { encryption }) })
  const { stand } = bench
  await stand.cli('wal', 'start', 'shop')
  const operations = await connectOperations(stand.temporal.address)
  const taken = await (await operations.backup()).ending
  if (taken.outcome === 'failed') throw new Error(`no backup to restore: ${taken.message}`)
  await operations.close()

  const writer = await startWriter(primary)
  await writer.writes(100)
  await primary.sql('select pg_switch_wal()')
  const { rows } = await writer.writes(100)
  await writer.stop()
  const before = await bench.flushed()
  await bench.marked(before)
  await until('the standby to have it all', async () => {
    const [row] = await standby.sql<{ done: boolean }>(`select pg_last_wal_replay_lsn() >= '${before}' as done`)
    return row?.done === true ? true : undefined
  })
  await primary.stop('immediate')
  await standby.promote()
  // Whoever restores what follows has a base of fewer.
  await standby.sql('alter system set max_connections = 150')
  await standby.restart()
  const later = await startWriter({ ...primary, port: standby.port }, writer.moments.length + 1)
  await later.writes(50)
  await later.stop()
  const [row] = await standby.sql<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn')
  const end = parseLsn(row?.lsn ?? '')
  const [idleAt] = await Promise.all([bench.marked(end), bench.marked(end, 'local')])
  await stand.cli('wal', 'stop', 'shop')
  await bench.worker.stop()
  await standby.dispose()
  expect(rows).toBeLessThan(later.moments[0]?.rows ?? 0)

  const keyFile = join(stand.directory, 'the key')
  await writeFile(keyFile, `${stand.env.STAND_KEY}\n`, { mode: 0o600 })
  const env = { AWS_ACCESS_KEY_ID: stand.s3.accessKeyId, AWS_SECRET_ACCESS_KEY: stand.s3.secretAccessKey }
  const machine = await plainMachine({ env })
  return {
    machine,
    directory: join(stand.directory, 'local'),
    bucket: ['--from', 's3://backups', '--endpoint-url', stand.s3.endpoint],
    key: encryption === 'off' ? [] : ['--key', keyFile],
    programs: ['--bin', primary.binDirectory],
    beforePromotion: writer.moments,
    afterPromotion: later.moments,
    idleAt,
    async expectRowsByHand({ at, rows: expected }) {
      const request = { stand, postgres: primary, machine, keyFile, backup: taken.report.backup, at }
      await using restored = await restoreMomentByHand(request)
      expect(await rowsAt(primary, restored)).toEqual({ rows: expected, last: expected, unfinished: null })
    },
    async copyOfRepository() {
      const copy = join(await mkdtemp(join(tmpdir(), 'copy-')), 'repository')
      await cp(join(stand.directory, 'local'), copy, { recursive: true })
      return copy
    },
    async expectRows(target, restored, expected) {
      expect(restored, restored.stderr).toMatchObject({ exitCode: 0 })
      const port = Number(/at 127\.0\.0\.1:(\d+)/.exec(restored.stdout)?.[1])
      try {
        expect(await rowsAt(primary, { host: '127.0.0.1', port })).toEqual({ rows: expected, last: expected, unfinished: null })
      } finally {
        await stopServer(join(target, 'data'), { ...stand, postgres: primary }).catch(() => undefined)
        await rm(target, { recursive: true, force: true })
      }
    },
    close: () => bench.close(),
  }
}

/** Paths of the archived segments of a repository, in the order of WAL; those of the first timeline, with what the second goes on with. */
export async function segmentsOf(repository: string): Promise<string[]> {
  const entries = await readdir(join(repository, 'shop', 'wal'), { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && /^[0-9A-F]{24}-\d/.test(entry.name))
  return files.map((entry) => join(entry.parentPath, entry.name)).sort((a, b) => (nameIn(a) < nameIn(b) ? -1 : 1))
}

/** As the archiver does when there is something better of them. */
export async function removePartials(repository: string): Promise<void> {
  const entries = await readdir(join(repository, 'shop', 'wal'), { recursive: true, withFileTypes: true })
  for (const { name, parentPath } of entries) if (name.includes('.partial.')) await rm(join(parentPath, name))
}

function nameIn(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

async function rowsAt({ user, password }: TestPostgres, { host, port }: { host: string; port: number }): Promise<unknown> {
  const client = new pg.Client({ host, port, user, password, database: 'postgres' })
  await client.connect()
  try {
    const query = `select count(*)::int as rows, coalesce(max(number), 0) as last, to_regclass('unfinished')::text as unfinished from numbered`
    return (await client.query(query)).rows[0]
  } finally {
    await client.end()
  }
}
