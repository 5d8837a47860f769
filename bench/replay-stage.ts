import { chown, mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startWorker } from '../scripts/demo/holdfast.js'
import { endOwnProcesses } from '../scripts/demo/own-processes.js'
import { type Places, placesBelow } from '../scripts/demo/places.js'
import { compose } from '../src/composition/compose.js'
import { loadConfig } from '../src/config/load-config.js'
import { parseRepositoryName, parseSystemName } from '../src/domain/ids.js'
import { compareLsn, parseLsn } from '../src/domain/lsn.js'
import type { Command, SystemUser } from '../src/process/command.js'
import { runProgram } from '../src/process/run-program.js'
import { serverUser } from '../test/servers/postgres.js'
import { loginArgs } from './fill-source.js'
import { system, writeHoldfastConfig } from './holdfast-config.js'
import { pgBackRestPlaces, stanza, writePgBackRestConfig } from './pgbackrest-config.js'
import { type Stage, setStage } from './stage.js'

export const sizes = { walBytes: 2e9 } as const

/** A server, a copy of its files, and archives of all the WAL it has written since. */
export interface ReplayStage extends Stage {
  readonly runAs: SystemUser
  /** The copy, which nobody changes. */
  readonly base: string
  /** Plain segments, as `cp` leaves them. */
  readonly walDirectory: string
  verb(...args: readonly string[]): Command
  /** Writes about so much WAL. @returns how much it was, once all archives hold it */
  archive(bytes: number): Promise<number>
  close(): Promise<void>
}

const cli = resolve('dist/bundle/holdfast.cjs')

export async function setReplayStage(
  { directory }: Places,
  pgBackRest: string | undefined,
  signal: AbortSignal,
): Promise<ReplayStage> {
  const stage = await setStage(placesBelow(join(directory, 'replay')), signal)
  const { places, source } = stage
  const runAs = await serverUser()
  const [base, walDirectory] = [join(places.directory, 'base'), join(places.directory, 'wal')]
  const rest = pgBackRestPlaces(stage)
  for (const own of [base, walDirectory, rest.work]) await makeFor(own, runAs)
  await writePgBackRestConfig(stage, rest)
  const push = pgBackRest === undefined ? [] : [`${pgBackRest} --config=${rest.configFile} --stanza=${stanza} archive-push %p`]
  if (pgBackRest !== undefined) {
    const args = [`--config=${rest.configFile}`, `--stanza=${stanza}`, 'stanza-create']
    await runProgram({ program: pgBackRest, args, env: { PGPASSWORD: source.password }, runAs }, { signal })
  }
  await source.sql(`alter system set archive_command = '${[`cp %p ${walDirectory}/%f`, ...push].join(' && ')}'`)
  await source.sql('create table hashes (id bigint primary key, hash text, other text)')
  await source.sql('select pg_reload_conf()')
  await writeHoldfastConfig(stage, { objectives: { rpo: '3s' } })
  await startWorker(places)
  const verb = (...args: readonly string[]): Command => ({
    program: process.execPath,
    args: [cli, '-c', places.configFile, ...args],
  })
  await runProgram(verb('wal', 'start', system), { signal })
  await runProgram(verb('backup', system, '--json'), { signal })
  const copyArgs = ['--pgdata', base, '-X', 'stream', '--checkpoint', 'fast', '--no-sync', ...loginArgs(source)]
  const copy = { program: join(source.binDirectory, 'pg_basebackup'), args: copyArgs, env: { PGPASSWORD: source.password } }
  await runProgram({ ...copy, cwd: '/', runAs }, { signal })
  return {
    ...stage,
    runAs,
    base,
    walDirectory,
    verb,
    async archive(bytes) {
      const written = await writeWal(stage, bytes)
      await allArchived(stage)
      return written
    },
    async close() {
      await runProgram(verb('wal', 'stop', system, '--drop-slot'), {}).catch(() => undefined)
      await endOwnProcesses(places.directory)
      await rm(places.directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

export async function makeFor(directory: string, { uid, gid }: SystemUser): Promise<void> {
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { mode: 0o700 })
  await chown(directory, uid, gid)
}

const rowsAtOnce = 50_000

/** New rows, and changes all over those there are: what a server replays has both. */
async function writeWal({ source, signal }: Stage, bytes: number): Promise<number> {
  const [start] = await source.sql<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn')
  for (let from = 1; ; from += rowsAtOnce) {
    signal.throwIfAborted()
    const rows = `generate_series(${from}, ${from + rowsAtOnce - 1}) i`
    await source.sql(`insert into hashes select i, md5('h' || i), md5(i || 'h') from ${rows}`)
    await source.sql(`update hashes set other = md5(other) where id % 20 = ${(from / rowsAtOnce) | 0} % 20`)
    const [row] = await source.sql<{ bytes: string }>(
      `select pg_wal_lsn_diff(pg_current_wal_lsn(), '${start?.lsn}')::text as bytes`,
    )
    if (Number(row?.bytes) >= bytes) return Number(row?.bytes)
  }
}

/** In the directory, in pgBackRest's archive, and in both repositories. */
async function allArchived({ source, places, signal }: Stage): Promise<void> {
  const [row] = await source.sql<{ file: string }>('select pg_walfile_name(pg_switch_wal()) as file')
  const [end] = await source.sql<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn')
  const lsn = parseLsn(end?.lsn ?? '')
  const composition = await compose(await loadConfig({ path: places.configFile, env: process.env }), process.env)
  const catalogs = await Promise.all(['local', 'primary'].map((name) => composition.catalog(parseRepositoryName(name))))
  const isMarked = async ({ marks }: (typeof catalogs)[number]) => {
    for await (const mark of marks.list(parseSystemName(system))) if (compareLsn(mark.lsn, lsn) >= 0) return true
    return false
  }
  const isArchived = async () => {
    const [archiver] = await source.sql<{ file: string }>('select last_archived_wal as file from pg_stat_archiver')
    return (archiver?.file ?? '') >= (row?.file ?? '') && !(await Promise.all(catalogs.map(isMarked))).includes(false)
  }
  while (!(await isArchived())) await sleep(500, undefined, { signal })
}
