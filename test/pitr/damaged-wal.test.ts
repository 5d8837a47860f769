import { createHash } from 'node:crypto'
import { open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { walEncryptionContext } from '../../src/catalog/encryption-context.js'
import { parseWalKey, walName } from '../../src/catalog/wal-keys.js'
import { parseObjectKey, parseRepositoryName } from '../../src/domain/ids.js'
import { formatLsn, type Lsn, lsnToBytes, parseLsn } from '../../src/domain/lsn.js'
import type { Mark } from '../../src/domain/mark.js'
import { parseSegmentName, segmentName, segmentStart, type WalIdentity, walHashOf } from '../../src/domain/wal.js'
import { checkSegmentPages } from '../../src/engines/postgres/wal-page.js'
import { wholeRecordsEnd } from '../../src/engines/postgres/whole-records.js'
import { compressZstd } from '../../src/pipeline/compress-zstd.js'
import { encrypt } from '../../src/pipeline/encrypt.js'
import type { LoggedRequest } from '../servers/s3-proxy.js'
import { bucketStore } from '../stand/bucket-store.js'
import { dropInstance } from '../stand/restored.js'
import { postmasterPid, whenThere } from '../stand/trial-processes.js'
import { openPitrBench, type PitrBench } from './pitr-bench.js'
import { type Moment, startWriter } from './writer.js'

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const local = { repository: parseRepositoryName('local') }

describe('archived WAL that is not as it was', () => {
  let bench: PitrBench
  let last: Moment
  /** Of a segment in the middle, in the directory of `local`. */
  let path: string
  const undo: (() => Promise<void>)[] = []

  beforeAll(async () => {
    bench = await openPitrBench({ server: { major: 18, walSegmentSizeMb: 1 }, ballast: 10_000, archiver: 'test' })
    const writer = await startWriter(bench.source)
    await writer.writes(300)
    await writer.stop()
    last = (await writer.writes(0)) as Moment
    await bench.archiver.archive()
    const segments = (await walPaths()).filter((each) => !each.includes('partial')).sort()
    path = segments.at(-2) ?? ''
  })

  afterEach(async () => {
    for (const step of undo.splice(0)) await step()
  })

  afterAll(async () => {
    await bench?.close()
  })

  async function walPaths(): Promise<string[]> {
    const wal = join(bench.stand.directory, 'local', 'shop', 'wal')
    const entries = await readdir(wal, { recursive: true, withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  }

  async function takeAway(): Promise<void> {
    await rename(path, join(bench.stand.directory, 'kept'))
    undo.push(() => rename(join(bench.stand.directory, 'kept'), path))
  }

  async function alter(): Promise<void> {
    const bytes = await readFile(path)
    const altered = Buffer.from(bytes)
    altered[altered.length >> 1] = (altered[altered.length >> 1] ?? 0) ^ 1
    await writeFile(path, altered)
    undo.push(() => writeFile(path, bytes))
  }

  /** Another content under the segment's name, sealed as it should be: only PostgreSQL's own pages say what it is. */
  async function putOther(change: (content: Buffer) => void, suffix = ''): Promise<void> {
    const key = parseWalKey(path.slice(join(bench.stand.directory, 'local').length + 1))
    if (key === undefined) throw new Error(`${path} is no WAL`)
    const content = await readFile(join(bench.stand.directory, 'test-spool', `${key.identity.file}${suffix}`))
    change(content)
    const hash = walHashOf(createHash('sha256').update(content).digest('hex'))
    const identity = { ...key.identity, hash } as WalIdentity
    const context = walEncryptionContext('shop', walName(identity))
    const active = { id: 'test', bytes: Buffer.from(bench.stand.env.STAND_KEY ?? '', 'base64') }
    const sealed = compressZstd({ level: 1 })
    sealed.end(content)
    const encrypted = encrypt({ key: active, context })
    encrypted.end(await buffer(sealed))
    const other = join(dirname(path), `${walName(identity)}.zst.enc`)
    await writeFile(other, await buffer(encrypted as unknown as Readable))
    undo.push(() => rm(other))
  }

  /** Of a kept instance: a server that was started has a log. */
  async function expectNeverStarted(name: string): Promise<void> {
    const instance = join(bench.stand.directory, 'instances', name)
    expect(await stat(join(instance, 'instance.json'))).toBeTruthy()
    expect(await stat(join(instance, 'server.log')).catch(() => 'never started')).toBe('never started')
    await dropInstance(bench.stand, name)
  }

  const file = () => basename(path).slice(0, 24)

  test('an altered segment is named, and taken from another repository', async () => {
    await alter()
    const report = await bench.expectRows('mended', `lsn:${last.lsn}`, last.rows)
    expect(report.problems).toEqual([expect.stringContaining(`${file()} in repository local is damaged`)])
  })

  test('an altered segment that nobody else has fails the restore before the server is started', async () => {
    await alter()
    const ending = await bench.restore('altered', `lsn:${last.lsn}`, { ...local, onFailure: 'keep' })
    const message = expect.stringContaining(`${file()} in repository local is damaged`)
    expect(ending).toMatchObject({ outcome: 'failed', code: 'ARTIFACT_DAMAGED', message })
    await expectNeverStarted('altered')
  })

  test("another cluster's segment under the right name and hash fails the restore before the server is started", async () => {
    await takeAway()
    await putOther((content) => content.writeBigUInt64LE(4711n, 24))
    const ending = await bench.restore('foreign', `lsn:${last.lsn}`, { ...local, onFailure: 'keep' })
    const message = expect.stringMatching(new RegExp(`${file()} .*is of the system 4711`))
    expect(ending).toMatchObject({ outcome: 'failed', code: 'WAL_FOREIGN', message })
    await expectNeverStarted('foreign')
  })

  test('a missing segment is taken from another repository; where nobody has it the target is refused, with the window', async () => {
    await takeAway()
    await bench.expectRows('other', last.at, last.rows)
    const asked = bench.stand.proxy.requests.length
    const ending = await bench.restore('missing', last.at, local)
    expect(ending).toMatchObject({ outcome: 'failed', code: 'OUTSIDE_WINDOW', message: expect.stringContaining(file()) })
    expect(bench.stand.proxy.requests.slice(asked)).toEqual([])
  })

  test('a part of a segment that is replaced before it is fetched is fetched as what has taken its place', async () => {
    const { proxy } = bench.stand
    const bucket = await bucketStore(bench.stand)
    const held = proxy.hold(({ operation, key }) => operation === 'Get' && key.includes('.partial.'))
    const restoring = bench.expectRows('replaced', `lsn:${last.lsn}`, last.rows, { repository: parseRepositoryName('primary') })
    const { request, release } = await Promise.race([
      held,
      restoring.then(() => Promise.reject(new Error('nothing was fetched'))),
    ])
    await bench.source.sql('create table later (number int)')
    await bench.archiver.archive()
    await bucket.delete([parseObjectKey(request.key)])
    release()
    expect((await restoring).problems).toEqual([])
  })

  test('what is committed after the target while a restore to it goes on is never in it', async () => {
    const { proxy } = bench.stand
    const bucket = await bucketStore(bench.stand)
    const { at } = await bench.archiver.archive()
    const isPartial = ({ operation, key }: LoggedRequest) => operation === 'Get' && key.includes('.partial.')
    const held = proxy.hold(isPartial)
    // Nothing comes after: the server is started a second time, to the end of what is archived.
    const restoring = bench.expectRows('past', at, last.rows, { repository: parseRepositoryName('primary') })
    const { request, release } = await Promise.race([
      held,
      restoring.then(() => Promise.reject(new Error('nothing was fetched'))),
    ])
    release()
    await whenThere(async () => ((await postmasterPid(bench.stand, 'past')) === undefined ? undefined : true), restoring)
    await bench.source.sql(`insert into numbered (number) values (${last.rows + 1})`)
    await bench.archiver.archive()
    await bucket.delete([parseObjectKey(request.key)])
    await restoring
    await bench.source.sql(`delete from numbered where number > ${last.rows}`)
  })

  test('a segment that was left before it was full is whole, and one that lacks its end is not', async () => {
    await bench.source.sql('insert into numbered (number) select 1000000 + i from generate_series(1, 20) i')
    const [row] = await bench.source.sql<{ file: string; system: string; bytes: number }>(
      `select pg_walfile_name(pg_switch_wal()) as file, (select system_identifier::text from pg_control_system()) as system,
              1048576 as bytes`,
    )
    if (row === undefined) throw new Error('the server says nothing')
    const [file, path] = [row.file, join(bench.stand.directory, 'switched')]
    const content = await readFile(join(bench.source.dataDirectory, 'pg_wal', file))
    const written = content.findLastIndex((byte) => byte !== 0)
    expect(written).toBeLessThan(row.bytes - 16_384)
    const { timeline, number } = parseSegmentName(file, row.bytes)
    const startLsn = segmentStart(number, row.bytes)
    const identity = { file, timeline, startLsn, systemIdentifier: row.system, segmentSizeBytes: row.bytes }
    const check = async (bytes: Buffer) => {
      await writeFile(path, bytes)
      const segment = await open(path)
      await checkSegmentPages(segment, { ...identity, endLsn: segmentStart(number + 1n, row.bytes) }).finally(() =>
        segment.close(),
      )
    }
    await check(content)
    // Without its last record, and without its last page.
    await expect(check(Buffer.from(content).fill(0, written - (written % 8) - 16))).rejects.toMatchObject({
      code: 'ARTIFACT_DAMAGED',
    })
    await expect(check(Buffer.from(content).fill(0, written - (written % 8192)))).rejects.toMatchObject({
      code: 'ARTIFACT_DAMAGED',
    })
    await bench.source.sql('delete from numbered where number > 1000000')
    await bench.archiver.archive()
    await bench.expectRows('switched', 'latest', last.rows)
  })

  test('an end within a record is told from one that lacks something', async () => {
    const segmentSizeBytes = 1024 * 1024
    await bench.source.sql('select pg_switch_wal()')
    await bench.source.sql(`select pg_logical_emit_message(false, 'test', repeat('x', 3000))`)
    // Over five pages, of which three are nothing else.
    const [row] = await bench.source.sql<{ begin: string; end: string }>(
      `select pg_current_wal_insert_lsn()::text as begin,
              pg_logical_emit_message(false, 'test', repeat('x', 36000), true)::text as end`,
    )
    const [begin, end] = [parseLsn(row?.begin ?? ''), parseLsn(row?.end ?? '')]
    const number = lsnToBytes(begin) / BigInt(segmentSizeBytes)
    const name = segmentName({ timeline: 1, number }, segmentSizeBytes)
    const content = await readFile(join(bench.source.dataDirectory, 'pg_wal', name))
    const startLsn = segmentStart(number, segmentSizeBytes)
    const least = async (bytes: Buffer, endLsn: Lsn) => {
      await writeFile(join(bench.stand.directory, 'whole'), bytes)
      await using segment = await open(join(bench.stand.directory, 'whole'))
      return await wholeRecordsEnd(segment, { startLsn, segmentSizeBytes }, endLsn)
    }
    const boundary = (pages: bigint) => formatLsn((lsnToBytes(begin) / 8192n + pages) * 8192n)
    for (const pages of [1n, 2n, 4n]) expect(await least(content, boundary(pages))).toBe(begin)
    expect(await least(content, end)).toBe(end)
    // Without the record, there is nothing that could go on.
    const without = Buffer.from(content).fill(0, Number(lsnToBytes(begin) - lsnToBytes(startLsn)))
    expect(await least(without, boundary(1n))).toBe(boundary(1n))
    await bench.archiver.archive()
  })

  test('a last file that lacks its end, although its hash is right, fails the restore', async () => {
    const mark = (await bench.archiver.archive()) as Mark
    const partials = (await walPaths()).filter((each) => each.includes('.partial')).sort()
    const key = parseWalKey((partials.at(-1) ?? '').slice(join(bench.stand.directory, 'local').length + 1))
    expect(key?.identity).toMatchObject({ kind: 'partial', endLsn: mark.lsn })
    const before = path
    path = partials.at(-1) ?? ''
    await takeAway()
    // The page is there, and its last record is cut short.
    const end = Number(lsnToBytes(mark.lsn) % BigInt(1024 * 1024))
    await putOther((content) => content.fill(0, end - 8), '.partial')
    undo.push(async () => {
      path = before
    })
    const ending = await bench.restore('short', 'latest', local)
    const message = expect.stringMatching(new RegExp(`stopped early, at .*; ${mark.lsn} is archived`))
    expect(ending).toMatchObject({ outcome: 'failed', code: 'RECOVERY_FAILED', message })
  })

  test('a segment that is there twice with different contents is never chosen', async () => {
    await putOther((content) => content.fill(0, 500_000))
    const ending = await bench.restore('twice', last.at, local)
    expect(ending).toMatchObject({ outcome: 'failed', code: 'OUTSIDE_WINDOW', message: expect.stringContaining(file()) })
  })
})
