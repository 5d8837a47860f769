import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { beforeEach, expect, test } from 'vitest'
import { encryptionContext } from '../../src/catalog/encryption-context.js'
import { artifactKey } from '../../src/catalog/keys.js'
import type { Repository } from '../../src/composition/repository.js'
import { HoldfastError } from '../../src/domain/errors.js'
import { type ObjectKey, parseRepositoryName } from '../../src/domain/ids.js'
import type { Artifact } from '../../src/domain/manifest.js'
import { createArtifactReader } from '../../src/jobs/artifact-reader.js'
import { compressZstd } from '../../src/pipeline/compress-zstd.js'
import { encrypt } from '../../src/pipeline/encrypt.js'
import { createMemoryStore } from '../catalog/memory-store.js'
import { codeOf, keyRing, noKeys, sampleManifest } from '../catalog/sample-manifest.js'
import { describeArtifact, noise } from './replication-bench.js'

/* Two repositories in memory hold the same artifact; each test spoils one or both. */

const keys = keyRing('k1')
const plain = noise(3)
const written = sampleManifest({ keyId: 'k1' })
const [near, far] = [createMemoryStore(), createMemoryStore()]
const name = 'base.tar.zst.enc'
const key: ObjectKey = artifactKey(written.backup, written.attempt, name)
let artifact: Artifact

beforeEach(async () => {
  const context = encryptionContext(written.system, written.backup, name)
  const { active } = keys
  if (active === undefined) throw new Error('the ring has a key')
  const bytes = await stored([compressZstd({ level: 1 }), encrypt({ key: active, context })])
  artifact = describeArtifact(name, bytes)
  for (const { objects } of [near, far]) objects.clear()
  for (const { objects } of [near, far]) objects.set(key, bytes)
})

test('an artifact comes from the nearest repository', async () => {
  const reader = readerOf()
  expect((await reader.read(artifact, buffer)).equals(plain)).toBe(true)
  expect(reader.record).toEqual({ from: { [name]: 'near' }, problems: [] })
})

const spoilings: readonly (readonly [string, (bytes: Buffer) => Buffer | undefined, RegExp])[] = [
  ['is cut off', (bytes) => bytes.subarray(0, bytes.length - 100), /base\.tar\.zst\.enc in repository near is damaged/],
  ['has a flipped bit', (bytes) => flipped(bytes, bytes.length / 2), /base\.tar\.zst\.enc in repository near is damaged/],
  ['has a flipped bit in its header', (bytes) => flipped(bytes, 5), /base\.tar\.zst\.enc in repository near is damaged/],
  ['is missing', () => undefined, /base\.tar\.zst\.enc in repository near is missing/],
]

test.each(spoilings)(
  'an artifact that %s comes from the next repository, and the record says so',
  async (_what, spoil, problem) => {
    spoilIn(near, spoil)
    const reader = readerOf()
    expect((await reader.read(artifact, buffer)).equals(plain)).toBe(true)
    expect(reader.record.from).toEqual({ [name]: 'far' })
    expect(reader.record.problems).toEqual([expect.stringMatching(problem)])
  },
)

test.each(['STORE_UNAVAILABLE', 'STORE_DENIED', 'LOCAL_IO'] as const)(
  'a repository that fails with %s, at once or in the middle, is passed over',
  async (code) => {
    const failure = () => new HoldfastError(code, 'as the test wants it')
    const inTheMiddle = () =>
      Readable.from(
        (async function* () {
          yield near.objects.get(key)?.subarray(0, 1000)
          throw failure()
        })(),
      )
    for (const get of [() => Promise.reject(failure()), async () => inTheMiddle()]) {
      const reader = readerOf([repository('near', { ...near, get }), repository('far', far)])
      expect((await reader.read(artifact, buffer)).equals(plain)).toBe(true)
      expect(reader.record.problems).toEqual([`${name} in repository near cannot be read: as the test wants it`])
    }
  },
)

test('where no repository has it whole, the error names the artifact and every repository', async () => {
  spoilIn(near, (bytes) => flipped(bytes, 2000))
  spoilIn(far, () => undefined)
  const reading = readerOf().read(artifact, buffer)
  await expect(reading).rejects.toMatchObject({ code: 'ARTIFACT_DAMAGED' })
  await expect(reading).rejects.toThrow(/base\.tar\.zst\.enc in repository near is damaged.*in repository far is missing/s)
})

test('where one repository may come back, the error says that it may be tried again', async () => {
  spoilIn(near, () => undefined)
  const away = repository('far', { ...far, get: () => Promise.reject(new HoldfastError('STORE_UNAVAILABLE', 'away')) })
  expect(await codeOf(() => readerOf([repository('near', near), away]).read(artifact, buffer))).toBe('STORE_UNAVAILABLE')
})

test.each(['SPACE_SHORT', 'LOCAL_IO', 'PROCESS_FAILED'] as const)(
  'a consumer that fails on its own with %s is not taken for damage, and not called again',
  async (code) => {
    let calls = 0
    const reader = readerOf()
    const consume = async (source: Readable) => {
      calls += 1
      // As a program does that ends early: its pipe breaks, and with it the source.
      source.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
      throw new HoldfastError(code, 'cannot extract')
    }
    expect(await codeOf(() => reader.read(artifact, consume))).toBe(code)
    expect(calls).toBe(1)
    expect(reader.record).toEqual({ from: {}, problems: [] })
  },
)

test('a full disk ends the reading, any other failure of the consumer waits for what the rest shows', async () => {
  spoilIn(near, (bytes) => flipped(bytes, bytes.length - 10))
  const failing = (code: 'SPACE_SHORT' | 'LOCAL_IO') => {
    const reader = readerOf()
    const reading = reader.read(artifact, async () => {
      if (reader.record.problems.length === 0) throw new HoldfastError(code, 'stumbled')
      return 'read from the other'
    })
    return reading
  }
  expect(await codeOf(() => failing('SPACE_SHORT'))).toBe('SPACE_SHORT')
  expect(await failing('LOCAL_IO')).toBe('read from the other')
})

test.each([
  ['leaves the stream as it is', () => undefined],
  ['destroys the stream', (source: Readable) => source.destroy()],
] as const)('a consumer that has enough early and %s does not hide damage of the rest', async (_how, leave) => {
  const head = async (source: Readable) => {
    const [first] = (await source.iterator({ destroyOnReturn: false }).next()).value ?? []
    leave(source)
    return first
  }
  const whole = readerOf()
  expect(await whole.read(artifact, head)).toBe(plain[0])
  expect(whole.record.problems).toEqual([])
  spoilIn(near, (bytes) => flipped(bytes, bytes.length - 10))
  const spoiled = readerOf()
  expect(await spoiled.read(artifact, head)).toBe(plain[0])
  expect(spoiled.record.from).toEqual({ [name]: 'far' })
})

test('bytes of an artifact that is not encrypted are not taken for good before the last one was seen', async () => {
  const bytes = await stored([compressZstd({ level: 1 })])
  const { length } = bytes
  near.objects.set(key, flipped(bytes, length - 1))
  far.objects.set(key, bytes)
  const manifest = sampleManifest()
  const sources = [repository('near', near), repository('far', far)]
  const reader = createArtifactReader({ manifest, sources, keys: noKeys, signal: new AbortController().signal })
  const read = await reader.read({ ...artifact, ...describeArtifact(name, bytes) }, buffer)
  expect(read.equals(plain)).toBe(true)
  expect(reader.record.from).toEqual({ [name]: 'far' })
})

test('a key that is missing is said at once: no other repository would help', async () => {
  const sources = [repository('near', near), repository('far', far)]
  const reader = createArtifactReader({ manifest: written, sources, keys: noKeys, signal: new AbortController().signal })
  expect(await codeOf(() => reader.read(artifact, buffer))).toBe('KEY_MISSING')
  expect(reader.record.problems).toEqual([])
})

test('stopping ends a reading whose consumer does not read, with the reason', async () => {
  const stopping = new AbortController()
  const sources = [repository('near', near), repository('far', far)]
  const reader = createArtifactReader({ manifest: written, sources, keys, signal: stopping.signal })
  const reading = reader.read(artifact, async (source) => {
    stopping.abort(new HoldfastError('STOPPED', 'enough'))
    return buffer(source)
  })
  expect(await codeOf(() => reading)).toBe('STOPPED')
})

function readerOf(sources = [repository('near', near), repository('far', far)]) {
  return createArtifactReader({ manifest: written, sources, keys, signal: new AbortController().signal })
}

function repository(name: string, store: Repository['store']): Repository {
  return { name: parseRepositoryName(name), store, capture: false, partsInFlight: 1, partBytes: 1, replicationDeadlineMs: 1 }
}

async function stored(stages: readonly NodeJS.ReadWriteStream[]): Promise<Buffer> {
  const end = new PassThrough()
  const [bytes] = await Promise.all([buffer(end), pipeline([Readable.from([plain]), ...stages, end])])
  return bytes
}

function spoilIn(store: ReturnType<typeof createMemoryStore>, spoil: (bytes: Buffer) => Buffer | undefined): void {
  const spoiled = spoil(Buffer.from(store.objects.get(key) ?? []))
  if (spoiled === undefined) store.objects.delete(key)
  else store.objects.set(key, spoiled)
}

function flipped(bytes: Uint8Array, position: number): Buffer {
  const copy = Buffer.from(bytes)
  const at = Math.floor(position)
  copy[at] = (copy[at] ?? 0) ^ 0x40
  return copy
}
