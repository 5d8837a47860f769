import type { Progress } from '../../domain/progress.js'
import type { Connection } from './connection.js'
import { stagedBytes } from './staging.js'

type Amount = Pick<Progress, 'doneBytes' | 'totalBytes'>

/** The server need not be asked more often than anybody looks. */
const askEveryMs = 1_000

/**
 * Asks the server how far the backup is: it alone knows the bytes before compression, and its own estimate of the total.
 * When it does not tell, the bytes that arrived stand in, without a total.
 */
export function createProgressReader(
  connection: Connection,
  applicationName: string,
  stagingDirectory: string,
): () => Promise<Amount> {
  let last: Amount = { doneBytes: 0 }
  let askedAt = 0
  return async () => {
    const now = performance.now()
    if (askedAt !== 0 && now - askedAt < askEveryMs) return last
    askedAt = now
    const [row] = await connection
      .rows<{ done: string; total: string | null }>(
        `select p.backup_streamed::text as done, p.backup_total::text as total
           from pg_stat_progress_basebackup p join pg_stat_activity a using (pid) where a.application_name = $1`,
        [applicationName],
      )
      // A server that went away is pg_basebackup's to report, with the reason.
      .catch(() => [])
    last =
      row === undefined
        ? { doneBytes: Math.max(last.doneBytes, await stagedBytes(stagingDirectory)) }
        : { doneBytes: Number(row.done), ...(row.total === null ? {} : { totalBytes: Number(row.total) }) }
    return last
  }
}
