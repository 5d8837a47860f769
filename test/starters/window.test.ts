import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Catalog, createCatalog } from '../../src/catalog/catalog.js'
import { parseObjectKey, parseSystemName } from '../../src/domain/ids.js'
import type { KeyRing } from '../../src/domain/keys.js'
import { formatLsn, parseLsn } from '../../src/domain/lsn.js'
import type { Manifest } from '../../src/domain/manifest.js'
import { historyFileName, segmentName } from '../../src/domain/wal.js'
import { createFilesystemStore } from '../../src/storage/filesystem-store.js'
import { createS3Store, type S3Store } from '../../src/storage/s3-store.js'
import type { Store } from '../../src/storage/store.js'
import { sampleManifest } from '../catalog/sample-manifest.js'
import { createBucket, startVersitygw, type Versitygw } from '../servers/versitygw.js'
import { optionsFor } from '../servers/versitygw-options.js'
import { runCli } from '../stand/run-cli.js'
import { standConfig } from '../stand/stand-config.js'
import { putWal } from '../wal/put-wal.js'
import { startCli } from './cli-process.js'

/*
 * A directory and a bucket hold the same: a backup, three segments, a promotion, two segments of the new timeline, and marks. Each test
 * changes the bucket. The backup is of an hour ago, the last mark of seconds.
 */
const system = parseSystemName('shop')
const size = 16 * 2 ** 20
const now = Date.now()
const secret = randomBytes(32)
const keys: KeyRing = { active: { id: 'test', bytes: secret }, find: (id) => (id === 'test' ? { id, bytes: secret } : undefined) }

let directory: string
let server: Versitygw
let bucket: S3Store
let local: Store
let env: Record<string, string>

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-window-'))
  await mkdir(join(directory, 'local'))
  server = await startVersitygw({ directory: join(directory, 's3') })
  await createBucket(server, 'backups')
  bucket = createS3Store(optionsFor(server, 'backups'))
  local = createFilesystemStore({ root: join(directory, 'local') })
  for (const store of [local, bucket]) await fill(store)
  const places = {
    directory,
    host: 'h1',
    temporalAddress: '127.0.0.1:1',
    s3Endpoint: server.endpoint,
    postgresPort: 1,
    ports: '15432-15440',
  }
  const text = standConfig(places, {}).replace('    kinds:', '    objectives: { rpo: 5m }\n    kinds:')
  await writeFile(join(directory, 'holdfast.yaml'), text, { mode: 0o600 })
  env = {
    PATH: process.env.PATH ?? '',
    HOLDFAST_CONFIG: join(directory, 'holdfast.yaml'),
    STAND_KEY: secret.toString('hex'),
    STAND_S3_KEY: server.accessKeyId,
    STAND_S3_SECRET: server.secretAccessKey,
    STAND_PGPASSWORD: 'x',
  }
})

afterAll(async () => {
  bucket?.close()
  await server?.stop()
  await rm(directory, { recursive: true, force: true })
})

test('both repositories prove the same, over a promotion, and nothing is amiss', async () => {
  const { exitCode, stdout, stderr } = await runCli(['window', 'shop'], env)
  expect({ exitCode, stderr }, stdout).toEqual({ exitCode: 0, stderr: '' })
  expect(stdout.split('\n').slice(0, 3).join('\n')).toMatch(
    new RegExp(`^REPOSITORY +EARLIEST +LATEST +RPO +BASES\nlocal +${second(-3600)} +${second(-60)} +1m \\d\\ds +1\nprimary +`),
  )
  expect(stdout).toMatch(/^ {2}timeline 2 {2}B=+\^?=*$/m)
  expect(stdout).toContain('  timeline 2 (current), from timeline 1 at 0/5000100: up to 0/7000200')
  for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
})

test('a program gets spans, gaps and timelines', async () => {
  const { exitCode, stdout } = await runCli(['window', 'shop', '--repository', 'primary', '--json'], env)
  expect(exitCode).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    system: 'shop',
    outcome: 'whole',
    unread: [],
    repositories: [
      {
        repository: 'primary',
        problems: [],
        window: {
          earliest: { lsn: '0/2000138' },
          latest: { lsn: '0/7000100' },
          gaps: [],
          timelines: [
            { timeline: 1, current: false },
            { timeline: 2, current: true, parent: { timeline: 1, switchLsn: '0/5000100' } },
          ],
        },
      },
    ],
  })
})

test('a segment that is gone is a gap with its name, the RPO is missed, and the status says degraded', async () => {
  const gone = await keyOf(bucket, segmentName({ timeline: 2, number: 6n }, size))
  const bytes = await bytesOf(bucket, gone)
  await bucket.delete([parseObjectKey(gone)])
  const { exitCode, stdout } = await runCli(['window', 'shop'], env)
  await bucket.put(parseObjectKey(gone), bytes, { ifAbsent: true })
  expect(exitCode, stdout).toBe(3)
  expect(stdout).toContain('GAP on timeline 2: 000000020000000000000006 is missing')
  expect(stdout).toMatch(/primary .* MISSED +1$/m)
  expect(stdout).toMatch(/^local +.* 1m \d\ds +1$/m)
})

test('a mark that somebody forged does not count, and is named', async () => {
  const catalog = createCatalog({
    store: bucket,
    keys: { active: { id: 'test', bytes: randomBytes(32) }, find: () => undefined },
  })
  const facts = { systemIdentifier, timeline: 2, lsn: parseLsn('0/7000100'), at: moment(-1) }
  await catalog.marks.put({ formatVersion: 1, system, ...facts })
  const { exitCode, stdout } = await runCli(['window', 'shop', '--repository', 'primary'], env)
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(new RegExp(`^primary +${second(-3600)} +${second(-60)} `, 'm'))
  expect(stdout).toMatch(/left aside: the mark shop\/marks\/.* is damaged: its HMAC is wrong for key "test"/)
})

test.each([
  [['window', 'shpo'], 4, 'did you mean shop?'],
  [['window', 'shop', '--repository', 'nowhere'], 4, 'there is no repository "nowhere"'],
  [['window'], 2, 'missing required argument'],
] as const)('%j ends with %i', async (args, status, words) => {
  const { exitCode, stderr } = await runCli(args, env)
  expect({ exitCode, stderr }).toEqual({ exitCode: status, stderr: expect.stringContaining(words) })
})

test('says which repository lets it wait, and waits', async () => {
  process.kill(server.pid, 'SIGSTOP')
  const looking = startCli(['window', 'shop'], env)
  await looking.says('note: waiting for the repository primary').finally(() => process.kill(server.pid, 'SIGCONT'))
  const { stdout, stderr } = await looking.ended
  expect(stdout).toMatch(/^primary /m)
  expect(stderr).not.toContain('cannot be read')
})

test('a bucket that is away leaves the other repository’s answer, a note, and the status of degraded', async () => {
  await server.stop()
  const { exitCode, stdout, stderr } = await runCli(['window', 'shop'], env)
  expect(exitCode).toBe(3)
  expect(stdout).toMatch(/^local /m)
  expect(stderr).toContain('note: primary cannot be read')
})

const sample = baseManifest()
const systemIdentifier = sample.facts.systemIdentifier

function baseManifest(): Manifest {
  const manifest = sampleManifest({
    system: 'shop',
    keyId: 'test',
    dueAt: `${moment(-3660).slice(0, 19)}Z`,
    stoppedAt: moment(-3600),
  })
  return manifest
}

async function fill(store: Store): Promise<void> {
  const catalog = createCatalog({ store, keys })
  await catalog.commit(sample)
  const put = (file: Parameters<typeof putWal>[0]['file'], bytes: Uint8Array, ago: number) =>
    putWal({ store, keys, system, systemIdentifier, file, bytes, completedAt: new Date(now + ago * 1000) })
  const segment = (timeline: number, number: number) => segmentName({ timeline, number: BigInt(number) }, size)
  for (const number of [2, 3, 4]) await put({ kind: 'segment', file: segment(1, number) }, Buffer.from(`1 ${number}`), -3000)
  await put({ kind: 'history', file: historyFileName(2) }, Buffer.from('1\t0/5000100\tno recovery target specified\n'), -1000)
  for (const number of [5, 6]) await put({ kind: 'segment', file: segment(2, number) }, Buffer.from(`2 ${number}`), -900)
  await put({ kind: 'partial', file: segment(2, 7), endLsn: parseLsn('0/7000200') }, Buffer.from('2 7'), -60)
  await mark(catalog, 1, 0x3000100n, -3300)
  await mark(catalog, 2, 0x5000200n, -900)
  await mark(catalog, 2, 0x7000100n, -60)
}

function mark(catalog: Catalog, timeline: number, lsn: bigint, ago: number): Promise<void> {
  return catalog.marks.put({ formatVersion: 1, system, systemIdentifier, timeline, lsn: formatLsn(lsn), at: moment(ago) })
}

function moment(ago: number): string {
  return new Date(now + ago * 1000).toISOString()
}

function second(ago: number): string {
  return `${moment(ago).slice(0, 19)}Z`
}

async function keyOf(store: Store, file: string): Promise<string> {
  for await (const { key } of store.list('shop/wal/')) if (key.includes(file)) return key
  throw new Error(`there is no ${file}`)
}

async function bytesOf(store: Store, key: string): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of await store.get(parseObjectKey(key))) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks)
}
