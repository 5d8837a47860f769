import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { expect, test } from 'vitest'
import type { EncryptionKey, KeyRing } from '../../src/domain/keys.js'
import { compressZstd } from '../../src/pipeline/compress-zstd.js'
import { decompressZstd } from '../../src/pipeline/decompress-zstd.js'
import { decrypt } from '../../src/pipeline/decrypt.js'
import { digest } from '../../src/pipeline/digest.js'
import { encrypt } from '../../src/pipeline/encrypt.js'
import { limitRate } from '../../src/pipeline/limit-rate.js'
import { collect, sampleBytes } from './streams.js'

const key: EncryptionKey = { id: 'k', bytes: new Uint8Array(32).fill(3) }
const keys: KeyRing = { active: key, find: () => key }
const context = { system: 'avi5' }

const writing = () => [compressZstd({ level: 1 }), encrypt({ key, context }), digest()]
const reading = () => [digest(), decrypt({ keys, context }), decompressZstd()]
const stored = await collect(sampleBytes(4_000_000), writing())
const plain = sampleBytes(4_000_000)

const ways: [string, () => NodeJS.ReadWriteStream[], Buffer][] = [
  ['writing', writing, plain],
  ['reading', reading, stored],
]
const reason = new Error('the cause itself')
const slowly = () => limitRate({ bytesPerSecond: 1_000_000 })
const ignore = () => new Writable({ write: (_chunk, _encoding, callback) => callback() })

test.each(ways)('the failure of the source is the failure of the whole, as it is: %s', async (_, stages, bytes) => {
  for (const cut of [0, 1, 100, 1_500_000]) {
    const source = Readable.from(
      (function* () {
        yield bytes.subarray(0, cut)
        throw reason
      })(),
    )
    await expect(pipeline([source, ...stages(), ignore()])).rejects.toBe(reason)
  }
})

test.each(ways)('the failure of the sink is the failure of the whole, as it is: %s', async (_, stages, bytes) => {
  const full = new Writable({ write: (_chunk, _encoding, callback) => callback(reason) })
  await expect(pipeline([Readable.from([bytes]), ...stages(), full])).rejects.toBe(reason)
})

test.each(ways)('an abort ends all stages at once: %s', async (_, stages, bytes) => {
  const used = [...stages(), slowly()]
  const running = pipeline([Readable.from([bytes]), ...used, ignore()], { signal: AbortSignal.timeout(100) })
  await expect(running).rejects.toMatchObject({ name: 'AbortError' })
})

test.each(ways)('a slow sink holds the stages back: %s', async (_, stages) => {
  const block = sampleBytes(1_000_000)
  const bytes = await collect(Buffer.concat(Array.from({ length: 24 }, () => block)), stages === writing ? [] : writing())
  let readBytes = 0
  const source = Readable.from(
    (function* () {
      for (let offset = 0; offset < bytes.length; offset += 65_536) {
        readBytes += 65_536
        yield bytes.subarray(offset, offset + 65_536)
      }
    })(),
    { highWaterMark: 1 },
  )
  const stuck = new Writable({ highWaterMark: 1, write() {} })
  const controller = new AbortController()
  const running = pipeline([source, ...stages(), stuck], { signal: controller.signal })
  let before = -1
  while (readBytes !== before) {
    before = readBytes
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  controller.abort()
  await expect(running).rejects.toMatchObject({ name: 'AbortError' })
  expect(readBytes).toBeLessThan(bytes.length / 2)
})
