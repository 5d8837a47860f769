import { type Connection, oneRow } from './connection.js'

/** `15` of 150018, as PostgreSQL numbers its releases since 10. */
export function majorOf(versionNumber: number): string {
  return String(Math.floor(versionNumber / 10_000))
}

/** 150018. */
export async function readVersionNumber(connection: Connection): Promise<number> {
  const sql = `select current_setting('server_version_num')::int as number`
  return (await oneRow<{ number: number }>(connection, sql)).number
}
