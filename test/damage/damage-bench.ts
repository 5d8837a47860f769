import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compose } from '../../src/composition/compose.js'
import { loadConfig } from '../../src/config/load-config.js'
import { parseRepositoryName } from '../../src/domain/ids.js'
import type { Manifest } from '../../src/domain/manifest.js'
import type { RestoreReport, RestoreRequest } from '../../src/domain/operations.js'
import { expectNothingLeft, expectRunningOrNothing, prepareBench, type RestoreBench } from '../restore-kill/restore-round.js'
import { startPostgres, type TestPostgres } from '../servers/postgres.js'
import { connectOperations, type Ending } from '../stand/operations.js'
import { remainsOf } from '../stand/remains.js'
import { startStand } from '../stand/stand.js'
import type { StandSettings } from '../stand/stand-config.js'
import { type Stores, storesOf } from './damage.js'

/** A stand with two backups of a source that makes artifacts of every role. */
export interface DamageBench extends RestoreBench {
  readonly stores: Stores
  /** Of the backup that is damaged, and of another one with artifacts of the same names. */
  readonly manifest: Manifest
  readonly twin: Manifest
  /** Restores the backup that is damaged. It runs with the right contents, or nothing is left of it. */
  restore(request?: Partial<RestoreRequest>): Promise<Ending<RestoreReport>>
  close(): Promise<void>
}

export async function startDamageBench(settings: StandSettings = {}): Promise<DamageBench> {
  const postgres = await startPostgres({ major: 15, configuration: 'outside', tablespace: true })
  const stand = await startStand({ ...settings, postgres })
  await postgres.fillSample(5000)
  await postgres.sql('create table elsewhere tablespace fast as select i from generate_series(1, 5000) i')
  const worker = await stand.startWorker()
  const operations = await connectOperations(stand.temporal.address)
  const bench = await prepareBench(stand, operations)
  await changeEverything(postgres)
  const other = await prepareBench(stand, operations)
  const composition = await compose(await loadConfig({ path: stand.configPath, env: stand.env }), stand.env)
  const catalog = await composition.catalog(parseRepositoryName('local'))
  let restores = 0
  return {
    ...bench,
    before: await remainsOf(stand),
    stores: await storesOf(stand),
    manifest: await catalog.read(bench.backup),
    twin: await catalog.read(other.backup),
    async restore(request) {
      restores += 1
      const name = `r${restores}`
      const target = { kind: 'backup', backup: bench.backup } as const
      const restore = await operations.restore(name, { target, ...request })
      return expectRunningOrNothing(bench, name, restore)
    },
    async close() {
      await expectNothingLeft({ ...bench, before: [...other.before] })
      await operations.close()
      await worker.stop()
      await stand.close()
      await postgres.dispose()
    },
  }
}

/** Without encryption, artifacts of the same bytes could be swapped without harm. What restores are compared with stays. */
async function changeEverything(postgres: TestPostgres): Promise<void> {
  await postgres.sql('create table later tablespace fast as select i from generate_series(1, 100) i')
  await appendFile(join(postgres.directory, 'etc', 'postgresql.conf'), '# changed\n')
}
