import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { walKey } from '../../src/catalog/wal-keys.js'
import { type ObjectKey, parseObjectKey, parseRepositoryName, parseSystemName } from '../../src/domain/ids.js'
import { parseWalHash, segmentName, segmentStart } from '../../src/domain/wal.js'
import type { ReplicateWalSpec } from '../../src/jobs/job-spec.js'
import { openSpool, type Spool } from '../../src/jobs/wal/spool.js'
import type { Store } from '../../src/storage/store.js'
import { codeOf } from '../catalog/sample-manifest.js'
import { type Match, type S3Proxy, startS3Proxy } from '../servers/s3-proxy.js'
import { createBucket, startVersitygw, type Versitygw } from '../servers/versitygw.js'
import { readAll } from '../storage/store-reading.js'
import { type JobBench, openJobBench } from './job-bench.js'

/* One process that sends a spool to S3. What waits in the spool was put there by the test: nobody reads it but S3. */

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const mib = 2 ** 20
const segmentSizeBytes = 64 * mib
const system = parseSystemName('shop')
const primary = parseRepositoryName('primary')

let directory: string
let s3: Versitygw
let proxy: S3Proxy
let bench: JobBench
let spool: Spool
let store: Store
let spec: ReplicateWalSpec
let watching: Promise<string>
let sealed = 1n

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wr-'))
  s3 = await startVersitygw({ directory: join(directory, 's3') })
  await createBucket(s3, 'backups')
  proxy = await startS3Proxy({ target: s3.endpoint })
  const s3Keys = [s3.accessKeyId, s3.secretAccessKey] as const
  bench = await openJobBench({ s3Endpoint: proxy.endpoint, s3Keys, wal: { mode: 'stream', required: ['primary'] } })
  spool = openSpool(bench.composition.walSpool(system))
  store = (await bench.composition.repository(primary)).store
  await spool.make()
  spec = { kind: 'replicate-wal', configPath: join(bench.directory, 'holdfast.yaml'), system, to: primary }
})

afterAll(async () => {
  await bench?.stop(spec, 10_000)
  await watching
  await bench?.close()
  await proxy?.stop()
  await s3?.stop()
  await rm(directory, { recursive: true, force: true })
})

const isWal: Match = ({ operation, key }) => operation === 'Put' && key.startsWith('shop/wal/')
const sent = () => proxy.requests.filter(isWal)

/** Seals segments in the spool, and says so. @returns their keys */
async function seal(count: number, write: (path: string) => Promise<void>): Promise<ObjectKey[]> {
  const positionOf = (number: bigint) => ({ timeline: 1, lsn: segmentStart(number, segmentSizeBytes) })
  const keys: ObjectKey[] = []
  for (; keys.length < count; sealed += 1n) {
    const file = segmentName({ timeline: 1, number: sealed }, segmentSizeBytes)
    const hash = parseWalHash(createHash('sha256').update(file).digest('hex').slice(0, 16))
    const identity = { kind: 'segment', file, systemIdentifier: '7', hash } as const
    const key = walKey(system, identity, { completedAt: new Date(), encrypted: true })
    await spool.store.put(parseObjectKey(`${dirname(key)}/directory`), Buffer.alloc(0), { ifAbsent: false })
    await write(join(spool.directory, 'sealed', key))
    keys.push(key)
  }
  const common = { version: 1, id: 'one', systemIdentifier: '7', segmentSizeBytes, histories: [] } as const
  await spool.writeState({ ...common, origin: positionOf(1n), received: positionOf(sealed) })
  return keys
}

const noise = (sizeBytes: number) => (path: string) => writeFile(path, randomBytes(sizeBytes))

async function archived(): Promise<void> {
  const isThere = async () => (await spool.readArchived(primary))?.position.lsn === segmentStart(sealed, segmentSizeBytes)
  while (!(await isThere())) await sleep(20)
}

test('what has been waiting is sent several at a time, and no more than partsInFlight', async () => {
  const { partsInFlight } = await bench.composition.repository(primary)
  expect(partsInFlight).toBeGreaterThan(1)
  const keys = await seal(partsInFlight + 4, noise(100_000))
  const holds = Promise.all(Array.from({ length: partsInFlight }, () => proxy.hold(isWal)))
  watching = codeOf(() => bench.attach(spec))
  const held = await holds
  expect(sent().map(({ key }) => key)).toHaveLength(partsInFlight)
  for (const { release } of held) release()
  await archived()
  expect(new Set(sent().map(({ key }) => key))).toEqual(new Set(keys))
})

test('a file whose sending broke off in the middle is read and sent again, whole', async () => {
  const before = sent().length
  proxy.breakNext(isWal)
  const [key] = await seal(1, noise(3_000_000))
  await archived()
  const tries = sent().slice(before)
  expect(tries.map(({ key: name, status }) => [name, status])).toEqual([
    [key, undefined],
    [key, 200],
  ])
  const original = await readFile(join(spool.directory, 'sealed', key ?? ''))
  expect((await readAll(store, key ?? '')).equals(original)).toBe(true)
})

test('memory does not grow with the size of what is sent', async () => {
  const pid = await bench.pidOf(spec)
  const before = await peakOf(pid)
  const [first] = await seal(4, async (path) => {
    await writeFile(path, '')
    await truncate(path, segmentSizeBytes)
  })
  await archived()
  expect((await store.head(first as ObjectKey))?.sizeBytes).toBe(segmentSizeBytes)
  // All four were under way at once; together less than one of them.
  expect((await peakOf(pid)) - before).toBeLessThan(segmentSizeBytes)
})

/** Resident, in bytes. */
async function peakOf(pid: number): Promise<number> {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

test('one that could not read its configuration is no end: with the configuration where it is now, it is started', async () => {
  await bench.stop(spec, 10_000)
  await watching
  const nowhere = { ...spec, configPath: join(bench.directory, 'moved.yaml') }
  for (let time = 1; time <= 2; time += 1) expect(await codeOf(() => bench.attach(nowhere))).toBe('CONFIG_INVALID')
  await seal(1, noise(1000))
  watching = codeOf(() => bench.attach(spec))
  await archived()
})
