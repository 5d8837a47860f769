import pg from 'pg'
import type { TestPostgres } from '../test/servers/postgres.js'

/** A restore that lost something would be a fast one. @throws when the server on this port has not the source's hashes */
export async function expectRestored(source: TestPostgres, port: number): Promise<void> {
  const question = `select count(*)::text as rows, sum(('x' || left(hash, 8))::bit(32)::bigint)::text as digest from hashes`
  const [expected] = await source.sql(question)
  const client = new pg.Client({ host: source.host, port, user: source.user, password: source.password, database: 'postgres' })
  await client.connect()
  try {
    const { rows } = await client.query(question)
    if (JSON.stringify(rows[0]) !== JSON.stringify(expected))
      throw new Error(`the server on port ${port} is not the source's copy`)
  } finally {
    await client.end()
  }
}
