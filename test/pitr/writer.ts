import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { TestPostgres } from '../servers/postgres.js'

/** The server's own words for a moment: rows 1 to `rows` are committed, no other is. */
export interface Moment {
  readonly rows: number
  /** ISO 8601 UTC, microseconds. */
  readonly at: string
  readonly lsn: string
  /** Of the last row's transaction. */
  readonly xid: string
  /** Of a restore point. */
  readonly name: string
}

export interface Writer {
  readonly moments: readonly Moment[]
  /** Waits until so many more rows are committed. */
  writes(rows: number): Promise<Moment>
  stop(): Promise<void>
}

const at = `to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

/** `ballast`: bytes that do not compress, beside each row. The table lies in the tablespace `fast` where there is one. */
export async function makeTable(server: TestPostgres, ballast = 100): Promise<void> {
  const [found] = await server.sql("select 1 from pg_tablespace where spcname = 'fast'")
  const where = found === undefined ? '' : 'tablespace fast'
  await server.sql(
    `create function noise(bytes int) returns bytea language sql volatile as
     $$ select string_agg(uuid_send(gen_random_uuid()), '') from generate_series(1, bytes / 16) $$`,
  )
  await server.sql(`create table numbered (number int primary key, content bytea) ${where}`)
  await server.sql(`alter table numbered alter content set storage external, alter content set default noise(${ballast})`)
}

/** Commits numbered rows, one after the other, and notes the moment after each: another session is always in the middle of something. */
export async function startWriter(server: TestPostgres, firstRow = 1): Promise<Writer> {
  const session = async () => {
    const client = new pg.Client({
      host: server.host,
      port: server.port,
      user: server.user,
      password: server.password,
      database: 'postgres',
    })
    // The source is stopped under it where a test begins wrong.
    client.on('error', () => undefined)
    await client.connect()
    return client
  }
  const [client, other] = [await session(), await session()]
  const moments: Moment[] = []
  let stopping = false
  const run = async () => {
    await other.query('begin; create table unfinished (number int)')
    for (let rows = firstRow; !stopping; rows += 1) {
      await other.query(`insert into unfinished values (${rows})`)
      const inserted = await client.query<{ xid: string }>(
        `insert into numbered (number) values (${rows}) returning pg_current_xact_id()::text as xid`,
      )
      const seen = await client.query<{ at: string; lsn: string }>(`select ${at} as at, pg_current_wal_lsn()::text as lsn`)
      const name = `after ${rows}`
      await client.query(`select pg_create_restore_point('${name}')`)
      const [row] = seen.rows
      if (row !== undefined) moments.push({ rows, name, xid: inserted.rows[0]?.xid ?? '', ...row })
      await sleep(2)
    }
    await other.query('rollback')
  }
  const running = run()
  running.catch(() => undefined)
  const writes = async (rows: number) => {
    const wanted = moments.length + rows
    while (moments.length < wanted && !stopping) await Promise.race([sleep(5), running])
    const last = moments.at(-1)
    if (last === undefined) throw new Error('nothing was written')
    return last
  }
  return {
    moments,
    writes,
    async stop() {
      stopping = true
      await running
      await client.end()
      await other.end()
    },
  }
}
