import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { count } from '../../src/pipeline/count.js'
import { digest, expectDigest } from '../../src/pipeline/digest.js'
import { limitRate } from '../../src/pipeline/limit-rate.js'
import { collect, passThrough, sampleBytes } from './streams.js'

test('digests are those of the bytes, however they are cut, and the bytes pass unchanged', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), fc.integer({ min: 1, max: 6000 }), async (bytes, chunkBytes) => {
      const stage = digest()
      expect((await collect(bytes, [stage], chunkBytes)).equals(bytes)).toBe(true)
      expect(stage.result()).toEqual({
        sizeBytes: bytes.length,
        crc32: crc32(bytes).toString(16).padStart(8, '0'),
        sha256: createHash('sha256').update(bytes).digest('hex'),
      })
    }),
  )
})

test('the CRC is the one of zip and S3', async () => {
  const stage = digest()
  await collect(Buffer.from('123456789'), [stage])
  expect(stage.result().crc32).toBe('cbf43926')
})

test('digests cannot be had before the end', () => {
  expect(() => digest().result()).toThrow(/before its end/)
})

test('expected bytes pass, others fail at the end and are named', async () => {
  const bytes = sampleBytes(200_000)
  const stage = digest()
  await collect(bytes, [stage])
  expect((await collect(bytes, [expectDigest(stage.result(), 'base.tar')])).equals(bytes)).toBe(true)
  const changed = Buffer.from(bytes)
  changed[100_000] = (changed[100_000] ?? 0) ^ 1
  const damages: [Buffer, RegExp][] = [
    [changed, /^base\.tar has other bytes than were written/],
    [bytes.subarray(0, -1), /^base\.tar has 199999 bytes instead of 200000/],
    [Buffer.alloc(0), /^base\.tar has 0 bytes/],
  ]
  for (const [damage, message] of damages) {
    const { error } = await passThrough(damage, [expectDigest(stage.result(), 'base.tar')])
    expect(error).toMatchObject({ code: 'ARTIFACT_DAMAGED', message })
  }
})

test('a counter tells of each chunk and of all', async () => {
  const told: [number, number][] = []
  await collect(Buffer.alloc(250), [count((added, total) => told.push([added, total]))], 100)
  expect(told).toEqual([
    [100, 100],
    [100, 200],
    [50, 250],
  ])
})

test('a rate is kept to, on average', async () => {
  const startedAt = performance.now()
  await collect(Buffer.alloc(300_000), [limitRate({ bytesPerSecond: 1_000_000 })], 10_000)
  const elapsedMs = performance.now() - startedAt
  expect(elapsedMs).toBeGreaterThan(290)
  expect(elapsedMs).toBeLessThan(900)
})

test('a limiter that is waiting can be destroyed', async () => {
  const stage = limitRate({ bytesPerSecond: 1 })
  const reading = Readable.from([Buffer.alloc(1000)])
    .pipe(stage)
    .toArray()
  const reason = new Error('stop')
  setTimeout(() => stage.destroy(reason), 10)
  await expect(reading).rejects.toBe(reason)
})
