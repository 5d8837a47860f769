import type { TestPostgres } from '../servers/postgres.js'

/**
 * Bytes that no compression makes less: about 14 MB in the data directory, 8 MB in the tablespace `fast`. Backups at the same time
 * make checkpoints that remove WAL others of them have not streamed yet; the server is told to keep it.
 */
export async function fillBallast(postgres: TestPostgres): Promise<void> {
  await postgres.sql(`alter system set wal_keep_size = '1GB'`)
  await postgres.sql('select pg_reload_conf()')
  for (const [name, rows, place] of [
    ['ballast', 14_000, ''],
    ['ballast_fast', 8_000, 'tablespace fast'],
  ] as const) {
    await postgres.sql(`create table ${name} (id int, content bytea) ${place}`)
    await postgres.sql(`insert into ${name} select i, ${randomKilobyte} from generate_series(1, ${rows}) i`)
  }
  await postgres.sql('checkpoint')
}

const randomKilobyte = `(select string_agg(decode(md5(random()::text || i || g), 'hex'), '') from generate_series(1, 64) g)`

/** One line that is the same for the same rows. */
export const ballastDigest = `
  select string_agg(digest, ' ' order by digest) as digest from (
    select count(*) || ':' || md5(string_agg(md5(content), '' order by id)) as digest from ballast
    union all
    select count(*) || ':' || md5(string_agg(md5(content), '' order by id)) from ballast_fast) tables`
