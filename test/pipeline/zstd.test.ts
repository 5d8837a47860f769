import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { compressZstd } from '../../src/pipeline/compress-zstd.js'
import { decompressZstd } from '../../src/pipeline/decompress-zstd.js'
import { collect, passThrough, sampleBytes } from './streams.js'

const plain = sampleBytes(1_500_000)
const zstd = (bytes: Buffer, ...args: string[]): Buffer =>
  execFileSync('zstd', ['-q', '-c', ...args], { input: bytes, maxBuffer: 1e8 })
const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])

test('the zstd program reads what was compressed', async () => {
  const compressed = await collect(plain, [compressZstd({ level: 3 })])
  expect(compressed.length).toBeLessThan(plain.length)
  expect(zstd(compressed, '-d').equals(plain)).toBe(true)
})

const frames: [string, Buffer][] = [
  ['one frame', zstd(plain)],
  ['several workers', zstd(plain, '-T2', '-B512K')],
  ['no checksum, no size', zstd(plain, '--no-check', '--no-content-size')],
  [
    'three frames',
    Buffer.concat([zstd(plain.subarray(0, 10)), zstd(plain.subarray(10, 700_000)), zstd(plain.subarray(700_000), '-19')]),
  ],
  ['empty frames between', Buffer.concat([zstd(Buffer.alloc(0)), zstd(plain), zstd(Buffer.alloc(0))])],
  ['skippable frames', Buffer.concat([skippable, zstd(plain.subarray(0, 5)), skippable, zstd(plain.subarray(5)), skippable])],
]

test.each(frames)('frames of the zstd program are read whole: %s', async (_, compressed) => {
  for (const chunkBytes of [compressed.length, 65_536, 1_013]) {
    const decompressed = await collect(compressed, [decompressZstd()], chunkBytes)
    expect(decompressed.equals(plain)).toBe(true)
  }
})

test('frame headers may be cut anywhere', async () => {
  const small = plain.subarray(0, 600)
  const compressed = Buffer.concat([zstd(small.subarray(0, 300)), skippable, zstd(small.subarray(300))])
  for (const chunkBytes of [1, 2, 3, 5, 7]) {
    expect((await collect(compressed, [decompressZstd()], chunkBytes)).equals(small)).toBe(true)
  }
})

const whole = zstd(plain.subarray(0, 400_000))
const flipped = Buffer.from(whole)
flipped[200_000] = (flipped[200_000] ?? 0) ^ 1
const damages: [string, Buffer][] = [
  ['nothing at all', Buffer.alloc(0)],
  ['other bytes', sampleBytes(1000)],
  ['a text', Buffer.from('<html>not found</html>')],
  ['bytes behind the last frame', Buffer.concat([whole, Buffer.from('tail')])],
  ['a few bytes behind the last frame', Buffer.concat([whole, Buffer.from([0x28, 0xb5])])],
  ['a changed bit', flipped],
  ['a changed checksum', Buffer.concat([whole.subarray(0, -1), Buffer.from([(whole.at(-1) ?? 0) ^ 1])])],
  ...[1, 3, 4, 5, 9, 12, 1000, whole.length - 5, whole.length - 4, whole.length - 1].map((length): [string, Buffer] => [
    `cut to ${length} bytes`,
    whole.subarray(0, length),
  ]),
  ['a second frame cut short', Buffer.concat([whole, whole.subarray(0, 1000)])],
]

test.each(damages)('damage is told as damage, never as an end: %s', async (_, compressed) => {
  for (const chunkBytes of [1_000_000, 999]) {
    const { error } = await passThrough(compressed, [decompressZstd()], chunkBytes)
    expect(error).toMatchObject({ code: 'ARTIFACT_DAMAGED' })
  }
})

test('a reader that turns away early ends the stage', async () => {
  const stage = decompressZstd()
  stage.end(Buffer.concat([whole, whole, whole]))
  for await (const _ of stage) break
  expect(stage.destroyed).toBe(true)
})

test('the failure of a source before it comes through as it is', async () => {
  const reason = new Error('store went away')
  const stage = decompressZstd()
  stage.write(whole.subarray(0, 1000))
  setTimeout(() => stage.destroy(reason), 20)
  await expect(stage.toArray()).rejects.toBe(reason)
})
