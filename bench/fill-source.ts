import { join } from 'node:path'
import { runProgram } from '../src/process/run-program.js'
import type { TestPostgres } from '../test/servers/postgres.js'
import type { Stage } from './stage.js'

/** Sizes of the whole server at scale 1: for the flatness of memory, and for the comparison. */
export const sizes = { smallBytes: 1.0e9, largeBytes: 4.0e9, pgbenchScale: 100, hashes: 7_000_000 } as const

/** The smallest server: hashes alone, until it has grown to so many bytes. */
export async function fillSmall({ source }: Stage, scale: number): Promise<void> {
  await source.sql('create table hashes (id bigint primary key, hash text, other text)')
  await addHashes(source, 'hashes', Math.round(sizes.hashes * scale))
  await fillUp(source, sizes.smallBytes * scale)
}

/** What is compared: accounts of pgbench and hashes, some 2.5 GB at scale 1. */
export async function fillComparison({ source, signal }: Stage, scale: number): Promise<void> {
  await source.sql('drop table if exists ballast')
  const args = ['--initialize', '--quiet', '--scale', String(Math.round(sizes.pgbenchScale * scale)), ...loginArgs(source)]
  await runProgram(
    { program: join(source.binDirectory, 'pgbench'), args: [...args, 'postgres'], env: { PGPASSWORD: source.password } },
    { signal },
  )
  await source.sql('vacuum analyze hashes')
  await source.sql('checkpoint')
}

export async function fillLarge({ source }: Stage, scale: number): Promise<void> {
  await fillUp(source, sizes.largeBytes * scale)
}

/** Of all databases together. */
export async function sourceBytes(source: TestPostgres): Promise<number> {
  const [row] = await source.sql<{ bytes: string }>('select sum(pg_database_size(oid))::text as bytes from pg_database')
  return Number(row?.bytes ?? 0)
}

export function loginArgs({ host, port, user }: TestPostgres): string[] {
  return ['--host', host, '--port', String(port), '--username', user]
}

/** More hashes, in a table that can be dropped, until the server holds so many bytes. */
async function fillUp(source: TestPostgres, wantedBytes: number): Promise<void> {
  await source.sql('create table if not exists ballast (id bigint, hash text, other text)')
  const missingBytes = wantedBytes - (await sourceBytes(source))
  await addHashes(source, 'ballast', Math.max(0, Math.round(missingBytes / bytesOfRow)))
  await source.sql('vacuum analyze ballast')
  await source.sql('checkpoint')
}

/** Header, pointer, a number, and twice 32 characters with their length, in pages of 8 kB. */
const bytesOfRow = 102.4

/** Two sessions, for two cores. */
async function addHashes(source: TestPostgres, table: string, rows: number): Promise<void> {
  const half = Math.floor(rows / 2)
  const insert = (from: number, to: number) =>
    source.sql(`insert into ${table} select i, md5('${table}' || i), md5(i || '${table}') from generate_series(${from}, ${to}) i`)
  await Promise.all([insert(1, half), insert(half + 1, rows)])
}
