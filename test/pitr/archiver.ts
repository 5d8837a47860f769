import { compose } from '../../src/composition/compose.js'
import { loadConfig } from '../../src/config/load-config.js'
import { parseRepositoryName, parseSystemName } from '../../src/domain/ids.js'
import { compareLsn, parseLsn } from '../../src/domain/lsn.js'
import type { TestPostgres } from '../servers/postgres.js'
import type { Stand } from '../stand/stand.js'
import { until } from '../wal/archive-bench.js'

/** What archives the WAL of a bench. */
export interface Archiver {
  /**
   * Waits until all the server has flushed by now is archived everywhere.
   * @returns a moment after that, by the server's clock, that every repository proves
   */
  archive(server?: Pick<TestPostgres, 'sql'>): Promise<{ readonly at: string }>
  stop(): Promise<void>
}

const shop = parseSystemName('shop')

/** The product's own, on a stand whose configuration asks for it and that has a worker. */
export async function startArchiver(source: Pick<TestPostgres, 'sql'>, stand: Stand): Promise<Archiver> {
  const started = await stand.cli('wal', 'start', 'shop')
  if (started.exitCode !== 0) throw new Error(started.stderr)
  const composition = await compose(await loadConfig({ path: stand.configPath, env: stand.env }), stand.env)
  const catalogs = await Promise.all(['local', 'primary'].map((name) => composition.catalog(parseRepositoryName(name))))
  return {
    async archive(server = source) {
      const [row] = await server.sql<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn')
      const lsn = parseLsn(row?.lsn ?? '')
      const marked = catalogs.map(({ marks }) =>
        until(`a mark at ${lsn}`, async () => {
          for await (const mark of marks.list(shop)) if (compareLsn(mark.lsn, lsn) >= 0) return mark.at
          return undefined
        }),
      )
      const [at] = (await Promise.all(marked)).sort()
      if (at === undefined) throw new Error('there is no repository')
      return { at }
    },
    stop: async () => void (await stand.cli('wal', 'stop', 'shop')),
  }
}
