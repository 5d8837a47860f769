import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { checkArtifacts } from '../../src/catalog/check-artifacts.js'
import { artifactKey } from '../../src/catalog/keys.js'
import { type ObjectKey, parseRepositoryName } from '../../src/domain/ids.js'
import { createS3Store } from '../../src/storage/s3-store.js'
import type { Store } from '../../src/storage/store.js'
import { codeOf, sampleManifest } from '../catalog/sample-manifest.js'
import { type LoggedRequest, type S3Proxy, startS3Proxy } from '../servers/s3-proxy.js'
import { createBucket, startVersitygw, type Versitygw } from '../servers/versitygw.js'
import { optionsFor } from '../servers/versitygw-options.js'
import { errorBody } from '../storage/troubled-bucket.js'
import { emptyCapture, type JobBench, openJobBench } from './job-bench.js'
import { describeArtifact, noise, playCapture, playReplication, readAll } from './replication-bench.js'

/* Replications in this process, from a directory to a real S3 server behind a recording proxy. Parts are of 5 MiB. */

const mebibyte = 1024 * 1024
let directory: string
let s3: Versitygw
let proxy: S3Proxy
let bench: JobBench
let bucket: Store

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'r-'))
  s3 = await startVersitygw({ directory: join(directory, 's3') })
  await createBucket(s3, 'backups')
  proxy = await startS3Proxy({ target: s3.endpoint })
  bench = await openJobBench({ s3Endpoint: proxy.endpoint, s3Keys: [s3.accessKeyId, s3.secretAccessKey] })
  bucket = (await bench.composition.repository(parseRepositoryName('primary'))).store
  await bucket.probe()
})

afterAll(async () => {
  await bench?.close()
  await proxy?.stop()
  await s3?.stop()
  await rm(directory, { recursive: true, force: true })
})

test('an artifact is followed while it grows; nothing of it is visible before the capture has ended', async () => {
  const capture = await playCapture(bench, 'a1')
  const replication = playReplication(bench, 'a1')
  const base = await capture.begin('base')
  const bytes = noise(12)
  const firstPart = answered(base.key, 1)
  await base.grow(bytes.subarray(0, 7 * mebibyte))
  await firstPart
  await base.grow(bytes.subarray(7 * mebibyte))
  const artifact = await base.finish()
  await answered(base.key, 3)
  expect(await bucket.head(base.key)).toBeUndefined()
  await capture.end([artifact])
  expect(await replication.ended).toEqual({ partsKept: 0, partsSent: 3, bytesKept: 0, bytesSent: bytes.length })
  expect((await readAll(bucket, base.key)).equals(bytes)).toBe(true)
  expect(replication.progress.at(-1)).toMatchObject({ doneBytes: bytes.length, totalBytes: bytes.length })
})

test('a replication that is begun again keeps the parts that are stored and sends the others', async () => {
  const capture = await playCapture(bench, 'a2')
  const bytes = noise(18)
  const artifact = await capture.artifact('base', bytes)
  const key = keyOf('a2', 'base')
  const held = proxy.hold((request) => request.operation === 'PutPart' && request.partNumber === 4 && request.key === key)
  const [first, ...stored] = [playReplication(bench, 'a2'), answered(key, 1), answered(key, 2), answered(key, 3)]
  await Promise.all([held, ...stored])
  await first.stop()

  const second = playReplication(bench, 'a2')
  await capture.end([artifact])
  expect(await second.ended).toMatchObject({ partsKept: 3, bytesKept: 15 * mebibyte, partsSent: 1, bytesSent: 3 * mebibyte })
  expect(proxy.sentTwice()).toEqual([])
  expect((await readAll(bucket, key)).equals(bytes)).toBe(true)
  ;(await held).release()
})

test('a stored part with other bytes is sent again', async () => {
  const bytes = noise(11)
  const key = keyOf('a3', 'base')
  const { uploads } = bucket
  const upload = await uploads?.begin(key)
  if (uploads === undefined || upload === undefined) throw new Error('the bucket takes uploads')
  const other = Buffer.from(bytes.subarray(0, 5 * mebibyte))
  other[1000] = (other[1000] ?? 0) ^ 1
  for (const [number, part] of [other, bytes.subarray(5 * mebibyte, 10 * mebibyte)].entries()) {
    await uploads.putPart(upload, { number: number + 1, bytes: part, crc32: crcOf(part) })
  }
  const capture = await playCapture(bench, 'a3')
  await capture.end([await capture.artifact('base', bytes)])
  expect(await playReplication(bench, 'a3').ended).toMatchObject({ partsKept: 1, partsSent: 2 })
  expect((await readAll(bucket, key)).equals(bytes)).toBe(true)
})

test('with a mocked store that tells no CRC-32 of parts, a part is kept or sent again by the MD5 in its ETag', async () => {
  const bytes = noise(12)
  const first = bytes.subarray(0, 5 * mebibyte)
  const etags = [md5Of(first), md5Of(first)]
  const sent: number[] = []
  const target: Store = {
    ...bucket,
    head: async () => undefined,
    uploads: {
      minimumPartBytes: 5 * mebibyte,
      maximumParts: 10,
      begin: () => Promise.reject(new Error('there is an upload already')),
      find: async (key) => ({ key, id: 'mocked', startedAt: new Date(0) }),
      parts: async () => etags.map((etag, index) => ({ number: index + 1, sizeBytes: first.length, etag: `"${etag}"` })),
      async putPart(_upload, part) {
        sent.push(part.number)
        return { number: part.number, sizeBytes: part.bytes.length, etag: 'new' }
      },
      complete: async ({ key }) => ({ key, sizeBytes: bytes.length, modifiedAt: new Date(0) }),
      abort: async () => {},
      async *listStale() {},
    },
  }
  const capture = await playCapture(bench, 'a4')
  await capture.end([await capture.artifact('base', bytes)])
  expect(await playReplication(bench, 'a4', target).ended).toMatchObject({ partsKept: 1, partsSent: 2 })
  expect(sent).toEqual([2, 3])
})

test('small artifacts are put whole, also empty ones and one of exactly a part', async () => {
  const capture = await playCapture(bench, 'a5')
  const contents = { empty: Buffer.alloc(0), small: noise(1), part: noise(5) }
  const artifacts = []
  for (const [name, bytes] of Object.entries(contents)) artifacts.push(await capture.artifact(name, bytes))
  await capture.end(artifacts)
  await playReplication(bench, 'a5').ended
  for (const [name, bytes] of Object.entries(contents)) {
    expect((await readAll(bucket, keyOf('a5', name))).equals(bytes)).toBe(true)
  }
  const begun = proxy.requests.filter(({ operation, key }) => operation === 'Begin' && key.includes('/a5/'))
  expect(begun.map(({ key }) => key)).toEqual([keyOf('a5', 'part')])
})

test('a lost answer to the last request of an artifact does no harm, and counts nothing twice', async () => {
  const capture = await playCapture(bench, 'a6')
  const [large, small] = [noise(6), noise(1).subarray(0, 1000)]
  const artifacts = [await capture.artifact('large', large), await capture.artifact('small', small)]
  const lastOf = (operation: string, name: string) => (request: LoggedRequest) =>
    request.operation === operation && request.key === keyOf('a6', name)
  proxy.loseNextAnswer(lastOf('Complete', 'large'), 500)
  proxy.loseNextAnswer(lastOf('Put', 'small'), 500)
  await capture.end(artifacts)
  const { bytesSent, bytesKept } = await playReplication(bench, 'a6').ended
  expect(bytesSent + bytesKept).toBeLessThanOrEqual(large.length + small.length)
  expect((await readAll(bucket, keyOf('a6', 'large'))).equals(large)).toBe(true)
  expect((await readAll(bucket, keyOf('a6', 'small'))).equals(small)).toBe(true)
})

test('what the target holds already is kept; other bytes under the same key are an error and stay', async () => {
  const capture = await playCapture(bench, 'a7')
  const [same, different] = [noise(1), noise(1)]
  const [first, second] = [await capture.artifact('same', same), await capture.artifact('different', noise(1))]
  await bucket.put(keyOf('a7', 'same'), same, { ifAbsent: true })
  await capture.end([first])
  expect(await playReplication(bench, 'a7').ended).toMatchObject({ partsKept: 1, partsSent: 0 })
  await bucket.put(keyOf('a7', 'different'), different, { ifAbsent: true })
  await bench.captureEnded('a7', emptyCapture([first, second]))
  expect(await codeOf(() => playReplication(bench, 'a7').ended)).toBe('ALREADY_EXISTS')
  expect((await readAll(bucket, keyOf('a7', 'different'))).equals(different)).toBe(true)
})

test('five artifacts that are announced before the capture ends are all sent while it still runs', async () => {
  const capture = await playCapture(bench, 'a8')
  const replication = playReplication(bench, 'a8')
  const names = ['one', 'two', 'three', 'four', 'five']
  const sent = names.map((name) => answered(keyOf('a8', name), 2))
  const artifacts = []
  for (const name of names) artifacts.push(await capture.artifact(name, noise(6)))
  await Promise.all(sent)
  await capture.end(artifacts)
  expect(await replication.ended).toMatchObject({ partsSent: 10 })
})

test('the first failure ends a replication at once, with its own code, although the capture goes on', async () => {
  const capture = await playCapture(bench, 'a9')
  const base = await capture.begin('base')
  proxy.failNext((request) => request.operation === 'PutPart' && request.key === base.key, 403, deniedBody)
  const replication = playReplication(bench, 'a9')
  await base.grow(noise(11))
  expect(await codeOf(() => replication.ended)).toBe('STORE_DENIED')
  await capture.end([await base.finish()])
})

test('a replication fails when an artifact is gone from the capture repository', async () => {
  const capture = await playCapture(bench, 'a10')
  const artifact = await capture.artifact('base', noise(1))
  const local = await bench.composition.repository(parseRepositoryName('local'))
  await local.store.delete([keyOf('a10', 'base')])
  await capture.end([artifact])
  expect(await codeOf(() => playReplication(bench, 'a10').ended)).toBe('ARTIFACT_MISSING')
})

test('memory stays bounded by parts in flight, however much is waiting to be sent', async () => {
  const { partsInFlight } = await bench.composition.repository(parseRepositoryName('primary'))
  const bytes = noise(5)
  let held = 0
  const { uploads } = bucket
  if (uploads === undefined) throw new Error('the bucket takes uploads')
  const released = Promise.withResolvers<void>()
  const target: Store = {
    ...bucket,
    uploads: {
      ...uploads,
      async putPart(_upload, part) {
        held += 1
        await released.promise
        return { number: part.number, sizeBytes: part.bytes.length, etag: 'mocked', crc32: part.crc32 }
      },
      complete: async ({ key }) => ({ key, sizeBytes: 0, modifiedAt: new Date(0) }),
    },
  }
  const capture = await playCapture(bench, 'a11')
  const base = await capture.begin('base')
  for (let part = 0; part < 40; part += 1) await base.grow(bytes)
  await capture.end([await base.finish()])
  const before = process.memoryUsage().arrayBuffers
  const replication = playReplication(bench, 'a11', target)
  const most = await settled(() => process.memoryUsage().arrayBuffers)
  expect(held).toBe(partsInFlight)
  // Of 40. More than are in flight, because what was read is not collected at once.
  expect(most - before).toBeLessThan(20 * 5 * mebibyte)
  released.resolve()
  expect(await replication.ended).toMatchObject({ partsSent: 40 })
})

describe('to a store that does not know checksums of whole objects', () => {
  const speaksOfWhole = ({ checksumType }: LoggedRequest) => checksumType === 'FULL_OBJECT'
  let stops: (() => void)[] = []
  const unasked = (): Store => {
    const store = createS3Store({ ...optionsFor(s3, 'backups'), endpoint: proxy.endpoint })
    stops.push(() => store.close())
    return store
  }

  afterEach(() => {
    for (const stop of stops) stop()
    stops = []
  })

  test('artifacts of several parts are sent without them, and it is found out once', async () => {
    stops.push(proxy.failAll(speaksOfWhole, 400, errorBody('InvalidRequest')))
    const before = proxy.requests.length
    const capture = await playCapture(bench, 'a12')
    const contents = { base: noise(11), space: noise(6) }
    const artifacts = []
    for (const [name, bytes] of Object.entries(contents)) artifacts.push(await capture.artifact(name, bytes))
    await capture.end(artifacts)
    const store = unasked()
    expect(await playReplication(bench, 'a12', store).ended).toMatchObject({ partsSent: 5 })
    for (const [name, bytes] of Object.entries(contents)) {
      expect((await readAll(bucket, keyOf('a12', name))).equals(bytes)).toBe(true)
    }
    const probes = proxy.requests.slice(before).filter(({ key }) => key.startsWith('_holdfast/probe/'))
    expect(new Set(probes.map(({ key }) => key)).size).toBe(1)
    expect(probes.length).toBeLessThan(15)
    const { backup, system, attempt } = bench.replicate('a12')
    expect(await checkArtifacts(store, { ...sampleManifest({ artifacts }), backup, system, attempt })).toEqual([])
  })

  test('an upload that was begun by a process that died is completed as well', async () => {
    stops.push(proxy.failAll(speaksOfWhole, 400, errorBody('InvalidRequest')))
    const capture = await playCapture(bench, 'a13')
    const bytes = noise(12)
    const artifact = await capture.artifact('base', bytes)
    const key = keyOf('a13', 'base')
    const held = proxy.hold((request) => request.partNumber === 3 && request.key === key)
    const [first, ...stored] = [playReplication(bench, 'a13', unasked()), answered(key, 1), answered(key, 2)]
    await Promise.all([held, ...stored])
    await first.stop()
    await capture.end([artifact])
    expect(await playReplication(bench, 'a13', unasked()).ended).toMatchObject({ partsKept: 2, partsSent: 1 })
    expect((await readAll(bucket, key)).equals(bytes)).toBe(true)
    ;(await held).release()
  })

  test('one that passes over them at the beginning is found out before anything is sent', async () => {
    proxy.hideNextChecksum(({ operation, key }) => operation === 'Begin' && key === keyOf('a14', 'base'))
    const refused = ({ operation, checksumType }: LoggedRequest) => operation === 'Complete' && checksumType !== undefined
    stops.push(proxy.failAll(refused, 400, errorBody('InvalidPart')))
    const capture = await playCapture(bench, 'a14')
    const bytes = noise(6)
    await capture.end([await capture.artifact('base', bytes)])
    expect(await playReplication(bench, 'a14', unasked()).ended).toMatchObject({ partsSent: 2 })
    expect((await readAll(bucket, keyOf('a14', 'base'))).equals(bytes)).toBe(true)
    const completions = proxy.requests.filter(({ operation, key }) => operation === 'Complete' && key === keyOf('a14', 'base'))
    expect(completions.map(({ checksumType }) => checksumType)).toEqual([undefined])
  })
})

test('a store that knows checksums of whole objects is asked nothing but what the copy needs', async () => {
  const store = createS3Store({ ...optionsFor(s3, 'backups'), endpoint: proxy.endpoint })
  const before = proxy.requests.length
  const capture = await playCapture(bench, 'a15')
  await capture.end([await capture.artifact('base', noise(6))])
  await playReplication(bench, 'a15', store).ended
  store.close()
  expect(proxy.requests.slice(before).filter(({ key }) => key.startsWith('_holdfast/'))).toEqual([])
})

/** A figure that grows, once it has stopped growing. */
async function settled(figure: () => number): Promise<number> {
  const seen: number[] = []
  while (seen.length < 10 || Math.max(...seen.slice(-10)) > Math.max(...seen.slice(0, -10), 0)) {
    seen.push(figure())
    await sleep(50)
  }
  return Math.max(...seen)
}

function keyOf(attempt: string, name: string): ObjectKey {
  return artifactKey(bench.capture(attempt).backup, attempt, name)
}

/** When the server has stored a part. */
function answered(key: ObjectKey, partNumber: number): Promise<void> {
  return new Promise((resolve) => {
    const look = setInterval(() => {
      const there = proxy.requests.some((each) => each.key === key && each.partNumber === partNumber && each.status === 200)
      if (!there) return
      clearInterval(look)
      resolve()
    }, 20)
  })
}

function crcOf(bytes: Uint8Array) {
  return describeArtifact('any', bytes).crc32
}

function md5Of(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex')
}

const deniedBody = '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>'
