import { readdirSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { runProgram } from '../src/process/run-program.js'
import { serverUser } from '../test/servers/postgres.js'
import type { Archiver } from './archiving.js'
import { system } from './holdfast-config.js'
import { pgBackRestPlaces, stanza, writePgBackRestConfig } from './pgbackrest-config.js'
import type { Stage } from './stage.js'

const cli = resolve('dist/bundle/holdfast.cjs')

/** The worker and its jobs; what runs is not started for the measurement, as an operator would not. */
export function holdfastArchiver({ places, signal }: Stage, workerPid: number): Archiver {
  const verb = (...args: string[]) =>
    runProgram({ program: process.execPath, args: [cli, '-c', places.configFile, 'wal', ...args] }, { signal })
  return {
    name: 'holdfast',
    start: async () => void (await verb('start', system)),
    stop: async () => void (await verb('stop', system, '--drop-slot')),
    processes: () => [workerPid],
    fleetingCpuSeconds: async () => 0,
  }
}

/** Asynchronous, as its guide has it for servers that write much: `archive-push` notes, and a process of its own sends with two others. */
export async function pgBackRestArchiver(stage: Stage, program: string): Promise<Archiver> {
  const { source, signal } = stage
  const places = pgBackRestPlaces(stage)
  const common = [`--config=${places.configFile}`, `--stanza=${stanza}`]
  const runAs = await serverUser()
  const archiveWith = async (command: string) => {
    await source.sql(`alter system set archive_command = '${command}'`)
    await source.sql('select pg_reload_conf()')
  }
  return {
    name: 'pgbackrest',
    async start() {
      await writePgBackRestConfig(stage, places)
      await mkdir(places.work, { recursive: true, mode: 0o700 })
      await runProgram({ program: 'chown', args: [`${runAs.uid}:${runAs.gid}`, places.work] }, {})
      await runProgram({ program, args: [...common, 'stanza-create'], env: { PGPASSWORD: source.password }, runAs }, { signal })
      await archiveWith([program, ...common, '--archive-async', '--process-max=2', 'archive-push', '%p'].join(' '))
    },
    stop: () => archiveWith('true'),
    // They leave their parent at once: found by what they are called.
    processes: () => pidsOf((args) => args.includes(places.configFile) && /archive-push:(async|local)/.test(args)),
    async fleetingCpuSeconds() {
      const [row] = await source.sql<{ pid: number }>(`select pid from pg_stat_activity where backend_type = 'archiver'`)
      return row === undefined ? 0 : waitedCpuSeconds(row.pid)
    },
  }
}

function pidsOf(isMeant: (commandLine: string) => boolean): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.filter((pid) => isMeant(read(`/proc/${pid}/cmdline`))).map(Number)
}

/** Of all the children a process has waited for. */
function waitedCpuSeconds(pid: number): number {
  const fields = read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? []
  return (Number(fields[13]) + Number(fields[14])) / 100
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
