import { createHash } from 'node:crypto'
import { chown, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { walEncryptionContext } from '../../src/catalog/encryption-context.js'
import { walKey, walName } from '../../src/catalog/wal-keys.js'
import { type Composition, compose } from '../../src/composition/compose.js'
import { loadConfig } from '../../src/config/load-config.js'
import { parseRepositoryName, parseSystemName, type RepositoryName } from '../../src/domain/ids.js'
import { formatLsn, lsnToBytes, parseLsn } from '../../src/domain/lsn.js'
import type { Mark } from '../../src/domain/mark.js'
import { parseSegmentName, segmentNamePattern, segmentStart, type WalIdentity, walHashOf } from '../../src/domain/wal.js'
import { compressZstd } from '../../src/pipeline/compress-zstd.js'
import { encrypt } from '../../src/pipeline/encrypt.js'
import { type RunningProgram, startProgram } from '../../src/process/start-program.js'
import { serverUser, type TestPostgres } from '../servers/postgres.js'

export interface ArchiverOptions {
  readonly configPath: string
  readonly env: Readonly<Record<string, string>>
  readonly directory: string
  readonly system?: string
  readonly repositories?: readonly string[]
  readonly segmentSizeBytes?: number
}

/** Archives exactly what it is told to, when it is told to. */
export interface TestArchiver {
  /** Everything the server has flushed by now, with a mark that says so. */
  archive(): Promise<Mark>
  /** From another server of the same cluster, after a failover. */
  follow(server: TestPostgres): Promise<void>
  stop(): Promise<void>
}

const system = (options: ArchiverOptions) => parseSystemName(options.system ?? 'shop')

/** Receives WAL with PostgreSQL's own program, and stores it in the form the repository format has. */
export async function startTestArchiver(server: TestPostgres, options: ArchiverOptions): Promise<TestArchiver> {
  const composition = await compose(await loadConfig({ path: options.configPath, env: options.env }), options.env)
  const spool = join(options.directory, 'test-spool')
  const user = await serverUser()
  await mkdir(spool, { recursive: true, mode: 0o700 })
  await chown(spool, user.uid, user.gid)
  const repositories = (options.repositories ?? ['local', 'primary']).map((name) => parseRepositoryName(name))
  const stored = new Set<string>()
  let [source, receiver] = [server, await startReceiver(server, spool)]
  const put = async (identity: WalIdentity, content: Buffer) => {
    if (stored.has(walName(identity))) return
    for (const repository of repositories) await putWal(composition, repository, options, identity, content)
    stored.add(walName(identity))
  }
  const restart = async (next: TestPostgres) => {
    await receiver.end()
    source = next
    receiver = await startReceiver(next, spool)
  }
  return {
    async archive() {
      const [row] = await source.sql<{ at: Date; lsn: string; timeline: number; identifier: string }>(
        `select clock_timestamp() as at, pg_current_wal_flush_lsn()::text as lsn,
                ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int as timeline,
                (select system_identifier::text from pg_control_system()) as identifier`,
      )
      if (row === undefined) throw new Error('the server says nothing')
      const { at, timeline, identifier: systemIdentifier } = row
      const lsn = parseLsn(row.lsn)
      await receiver.reaches(lsn)
      const sizeBytes = options.segmentSizeBytes ?? 16 * 1024 * 1024
      for (const name of (await readdir(spool)).sort()) {
        const file = name.replace('.partial', '')
        const content = await readFile(join(spool, name))
        if (name.endsWith('.history')) await put({ kind: 'history', file, systemIdentifier, hash: hashOf(content) }, content)
        if (!segmentNamePattern.test(file)) continue
        if (name === file) await put({ kind: 'segment', file, systemIdentifier, hash: hashOf(content) }, content)
        else {
          const start = lsnToBytes(segmentStart(parseSegmentName(file, sizeBytes).number, sizeBytes))
          const reached = Number(lsnToBytes(lsn) - start)
          if (reached <= 0 || parseSegmentName(file, sizeBytes).timeline !== timeline) continue
          content.fill(0, reached)
          const endLsn = formatLsn(start + BigInt(reached))
          await put({ kind: 'partial', file, endLsn, systemIdentifier, hash: hashOf(content) }, content)
        }
      }
      const mark: Mark = { formatVersion: 1, system: system(options), systemIdentifier, timeline, lsn, at: at.toISOString() }
      for (const repository of repositories) await (await composition.catalog(repository)).marks.put(mark)
      return mark
    },
    follow: restart,
    async stop() {
      await receiver.end()
      await rm(spool, { recursive: true, force: true })
    },
  }
}

async function putWal(
  composition: Composition,
  repository: RepositoryName,
  options: ArchiverOptions,
  identity: WalIdentity,
  content: Buffer,
): Promise<void> {
  const { active } = await composition.keys()
  const context = walEncryptionContext(system(options), walName(identity))
  const compressed = Readable.from([content]).pipe(compressZstd({ level: 1 }))
  const bytes = await buffer(active === undefined ? compressed : compressed.pipe(encrypt({ key: active, context })))
  const key = walKey(system(options), identity, { completedAt: new Date(), encrypted: active !== undefined })
  const { store } = await composition.repository(repository)
  await store.put(key, bytes, { ifAbsent: true })
}

interface Receiver {
  reaches(lsn: string): Promise<void>
  end(): Promise<void>
}

async function startReceiver(server: TestPostgres, spool: string): Promise<Receiver> {
  const stopping = new AbortController()
  const args = ['-D', spool, '-h', server.host, '-p', String(server.port), '-U', server.user, '--synchronous', '--no-password']
  const command = {
    program: join(server.binDirectory, 'pg_receivewal'),
    args,
    env: { PGPASSWORD: server.password },
    cwd: '/',
    runAs: await serverUser(),
  }
  const program: RunningProgram = startProgram(command, { signal: stopping.signal, stdin: 'ignore', stdout: 'ignore' })
  const flushed = async (lsn: string) => {
    const rows = await server.sql<{ there: boolean }>(
      `select flush_lsn >= '${lsn}' as there from pg_stat_replication where application_name = 'pg_receivewal'`,
    )
    return rows.some(({ there }) => there)
  }
  return {
    async reaches(lsn) {
      for (let turn = 0; !(await flushed(lsn)); turn += 1) {
        if (turn > 500) throw new Error(`pg_receivewal does not reach ${lsn}: ${program.stderrTail()}`)
        await sleep(20)
      }
    },
    async end() {
      stopping.abort()
      await program.finished.catch(() => undefined)
    },
  }
}

function hashOf(content: Buffer) {
  return walHashOf(createHash('sha256').update(content).digest('hex'))
}
