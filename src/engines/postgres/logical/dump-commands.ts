import { join } from 'node:path'
import type { Command } from '../../../process/command.js'
import { applicationName } from '../base-backup-command.js'
import { keepalives, libpqEnvironment } from '../libpq-environment.js'
import type { PostgresEngineOptions } from '../options.js'
import type { ServerAddress } from '../server-address.js'
import type { Tools } from '../tools.js'
import { conninfo } from './conninfo.js'

/** What all commands of one logical capture share. */
export interface DumpPlan {
  readonly options: PostgresEngineOptions
  readonly tools: Tools
  readonly address: ServerAddress
  readonly label: string
}

/** How long a dump waits for a lock that somebody holds on a table, and with it everybody who comes after. */
const lockWaitMs = 60_000

/** One database in pg_dump's custom format, to standard output. Plain: the sink compresses. */
export function dumpCommand(plan: DumpPlan, database: string): Command {
  return command(plan, 'pg_dump', [
    '--format=custom',
    ...dumpOptions(plan.options),
    '--dbname', `${conninfo({ dbname: database })} ${keepalives}`,
  ]) // biome-ignore format: an option and its value stay on one line
}

/** One database into a directory, by several connections that share one snapshot. */
export function directoryDumpCommand(plan: DumpPlan, database: string, directory: string, jobs: number): Command {
  return command(plan, 'pg_dump', [
    '--format=directory',
    `--jobs=${jobs}`,
    '--no-sync',
    ...dumpOptions(plan.options),
    '--file', directory,
    '--dbname', `${conninfo({ dbname: database })} ${keepalives}`,
  ]) // biome-ignore format: an option and its value stay on one line
}

/**
 * Roles, their memberships and settings, as SQL. Tablespaces are left out: their directories are the original's, and on its
 * own machine CREATE TABLESPACE would write into them.
 * @param passwords `left out` for roles that may not read pg_authid
 */
export function globalsCommand(plan: DumpPlan, passwords: 'included' | 'left out'): Command {
  return command(plan, 'pg_dumpall', [
    '--globals-only',
    '--no-tablespaces',
    ...(passwords === 'included' ? [] : ['--no-role-passwords']),
    '--database', plan.options.database,
  ]) // biome-ignore format: an option and its value stay on one line
}

/** `--no-tablespaces` counts for CREATE DATABASE alone here; where tables go is pg_restore's to say. */
function dumpOptions({ lockWaitMs: patienceMs = lockWaitMs }: PostgresEngineOptions): string[] {
  return ['--compress=0', '--no-tablespaces', `--lock-wait-timeout=${patienceMs}`]
}

function command({ options, tools, address, label }: DumpPlan, program: string, args: readonly string[]): Command {
  return {
    program: join(tools.directory, program),
    args: [
      ...args,
      '--no-password',
      '--host', address.host,
      '--port', String(address.port),
      '--username', options.user,
    ], // biome-ignore format: an option and its value stay on one line
    env: libpqEnvironment(options, applicationName(label)),
    ...(options.password === undefined ? {} : { secrets: [options.password] }),
  }
}
