import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Connection } from '@temporalio/client'
import { walEncryptionContext } from '../../src/catalog/encryption-context.js'
import { walName } from '../../src/catalog/wal-keys.js'
import { type Composition, compose } from '../../src/composition/compose.js'
import { loadConfig } from '../../src/config/load-config.js'
import type { Condition } from '../../src/domain/condition.js'
import { parseRepositoryName, parseSystemName } from '../../src/domain/ids.js'
import { compareLsn, formatLsn, type Lsn, lsnToBytes, parseLsn, segmentNameAt } from '../../src/domain/lsn.js'
import type { WalObject } from '../../src/domain/wal.js'
import { decompressZstd } from '../../src/pipeline/decompress-zstd.js'
import { decrypt } from '../../src/pipeline/decrypt.js'
import { createObserver, type Observation } from '../../src/starters/observe-operation.js'
import { startPostgres, type TestPostgres, type TestPostgresOptions } from '../servers/postgres.js'
import { type Stand, startStand } from '../stand/stand.js'
import type { StandSettings } from '../stand/stand-config.js'
import type { WorkerProcess } from '../stand/worker-process.js'

const shop = parseSystemName('shop')

export interface ArchiveBench {
  readonly stand: Stand
  readonly postgres: TestPostgres
  readonly composition: Composition
  readonly segmentBytes: number
  /** The one that is up; replace it when it was killed. */
  worker: WorkerProcess
  /** Writes about so many bytes of WAL. @returns where the server is then */
  write(bytes: number): Promise<Lsn>
  flushed(): Promise<Lsn>
  /** Waits until a mark in the repository, of that timeline or a later one, proves everything up to `lsn`. @returns when the server was there, by its own clock */
  marked(lsn: Lsn, repository?: string, timeline?: number): Promise<string>
  objects(repository?: string): Promise<WalObject[]>
  read(object: WalObject, repository?: string): Promise<Buffer>
  /** Compares every complete segment from `from` to `to` with the server's own file; one that is missing or differs fails. */
  compare(from: Lsn, to: Lsn, repository?: string, where?: { timeline: number; dataDirectory: string }): Promise<number>
  conditions(): Promise<readonly Condition[]>
  /** Waits until a condition of this code is told. */
  condition(code: string): Promise<Condition>
  close(): Promise<void>
}

export interface ArchiveBenchOptions extends StandSettings {
  readonly postgres?: Partial<TestPostgresOptions>
  /** One that is there already, and is the test's own to remove. */
  readonly server?: TestPostgres
}

/** A server whose WAL is archived to a directory and to S3, three times in three seconds. */
export async function startArchiveBench(options: ArchiveBenchOptions = {}): Promise<ArchiveBench> {
  const { postgres: wanted, server, ...settings } = options
  const own = async () =>
    startPostgres({
      major: 15,
      ...wanted,
      // Kept for the comparison: the server would use its old files again.
      settings: { max_slot_wal_keep_size: '512MB', wal_keep_size: '1GB', ...wanted?.settings },
    })
  const postgres = server ?? (await own())
  const stand = await startStand({
    postgres,
    wal: { mode: 'stream', required: ['primary'] },
    objectives: { rpo: '3s' },
    ...settings,
  })
  const worker = await stand.startWorker()
  const composition = await compose(await loadConfig({ path: stand.configPath, env: stand.env }), stand.env)
  const [{ size } = { size: '0' }] = await postgres.sql<{ size: string }>(
    `select setting::bigint::text as size from pg_settings where name = 'wal_segment_size'`,
  )
  await postgres.sql('create table ballast (i int, c text)')
  const connection = await Connection.connect({ address: stand.temporal.address })
  const client = new Client({ connection })
  const observe = createObserver(client, client.workflow.getHandle('wal/shop'))
  const bench = createBench({ stand, postgres, composition, segmentBytes: Number(size), worker, observe })
  return Object.assign(bench, {
    async close() {
      await stand.cli('wal', 'stop', 'shop')
      await bench.worker.stop()
      await connection.close()
      await stand.close()
      await postgres.dispose()
    },
  })
}

type Parts = Pick<ArchiveBench, 'stand' | 'postgres' | 'composition' | 'segmentBytes' | 'worker'> & {
  readonly observe: () => Promise<Observation>
}

function createBench({ observe, ...parts }: Parts): Omit<ArchiveBench, 'close'> {
  const { composition, postgres, segmentBytes } = parts
  const known = new Set<string>()
  const catalogOf = (repository: string) => composition.catalog(parseRepositoryName(repository))
  const bench: Omit<ArchiveBench, 'close'> = {
    ...parts,
    async write(bytes) {
      // Random text, so that what is compared is not all the same.
      await postgres.sql(
        `insert into ballast select i, md5(random()::text) || repeat(md5(i::text), 30) from generate_series(1, ${Math.ceil(bytes / 1050)}) i`,
      )
      return bench.flushed()
    },
    async flushed() {
      const [row] = await postgres.sql<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn')
      return parseLsn(row?.lsn ?? '')
    },
    marked: (lsn, repository = 'primary', timeline = 1) =>
      until(`a mark at ${lsn} in ${repository}`, async () => {
        for await (const mark of (await catalogOf(repository)).marks.list(shop)) {
          if (mark.timeline >= timeline && compareLsn(mark.lsn, lsn) >= 0) return mark.at
        }
        return undefined
      }),
    async objects(repository = 'primary') {
      const found: WalObject[] = []
      for await (const object of (await catalogOf(repository)).wal.list(shop)) found.push(object)
      return found
    },
    async read(object, repository = 'primary') {
      const { store } = await composition.repository(parseRepositoryName(repository))
      const context = walEncryptionContext('shop', walName(object))
      const decryption = object.encrypted ? [decrypt({ keys: await composition.keys(), context })] : []
      const plain = decompressZstd()
      const reading = pipeline([await store.get(object.key), ...decryption, plain])
      const [content] = await Promise.all([buffer(plain), reading])
      return content
    },
    async compare(
      from,
      to,
      repository = 'primary',
      { timeline, dataDirectory } = { timeline: 1, dataDirectory: postgres.dataDirectory },
    ) {
      const objects = await bench.objects(repository)
      let compared = 0
      const size = BigInt(segmentBytes)
      for (let at = (lsnToBytes(from) / size) * size; at + size <= lsnToBytes(to); at += size) {
        const name = segmentNameAt(timeline, formatLsn(at), segmentBytes)
        const found = objects.filter(({ kind, file }) => kind === 'segment' && file === name)
        if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} objects of ${name} in ${repository}`)
        compared += 1
        // An object never changes: once is enough.
        if (known.has(`${repository} ${found[0].key}`)) continue
        const original = await readFile(join(dataDirectory, 'pg_wal', name))
        if (!original.equals(await bench.read(found[0], repository))) throw new Error(`${name} differs in ${repository}`)
        known.add(`${repository} ${found[0].key}`)
      }
      return compared
    },
    async conditions() {
      const { steps } = await observe()
      return steps.flatMap(({ progress }) => progress?.conditions ?? [])
    },
    condition: (code) => until(`condition ${code}`, async () => (await bench.conditions()).find((each) => each.code === code)),
  }
  return bench
}

/** Much longer than anything takes on an idle machine. */
const patienceMs = 90_000

export async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const giveUpAt = Date.now() + patienceMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > giveUpAt) throw new Error(`not within ${patienceMs / 1000} s: ${what}`)
    await sleep(100)
  }
}
