import type { TestPostgres } from '../servers/postgres.js'

/** A table `sample` that hardly compresses, so that a backup has the size it is meant to have: about half a kilobyte a row. */
export async function fillWithNoise({ sql }: TestPostgres, rows: number): Promise<void> {
  const noise = `(select string_agg(md5(i::text || ' ' || j), '') from generate_series(1, 30) j)`
  await sql(`create table sample as select i as id, ${noise} as content from generate_series(1, ${rows}) i`)
}
