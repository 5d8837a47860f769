import { AlgorithmSuiteIdentifier, buildClient, CommitmentPolicy, MultiKeyringNode } from '@aws-crypto/client-node'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { EncryptionKey, KeyRing } from '../../src/domain/keys.js'
import { compressZstd } from '../../src/pipeline/compress-zstd.js'
import { decompressZstd } from '../../src/pipeline/decompress-zstd.js'
import { decrypt } from '../../src/pipeline/decrypt.js'
import { encrypt } from '../../src/pipeline/encrypt.js'
import { createKeyring } from '../../src/pipeline/encryption-suite.js'
import { collect, passThrough, sampleBytes } from './streams.js'

/** What others write and read such messages with. */
const sdk = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
const suiteId = AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY
const frameBytes = 1024 * 1024
const key = keyOf('2026-11', 1)
const older = keyOf('2026', 2)
const context = { system: 'avi5', backup: 'avi5_full_2026-01-10T03-00-00Z', artifact: 'base.tar.zst.enc' }

function keyOf(id: string, seed: number): EncryptionKey {
  return { id, bytes: new Uint8Array(32).fill(seed) }
}
function ringOf(...keys: EncryptionKey[]): KeyRing {
  return { active: keys[0], find: (id) => keys.find((one) => one.id === id) }
}
const decrypted = (bytes: Buffer, options = {}, chunkBytes?: number) =>
  passThrough(bytes, [decrypt({ keys: ringOf(key, older), context, ...options })], chunkBytes)

// Three frames: two whole ones and a last one of 1,000 bytes.
const plain = sampleBytes(2 * frameBytes + 1000)
let message: Buffer
let headerBytes: number
beforeAll(async () => {
  message = await collect(plain, [encrypt({ key, context })])
  headerBytes = message.length - plain.length - 2 * (4 + 12 + 16) - (4 + 4 + 12 + 4 + 16)
})

test('the SDK alone reads what was encrypted, with its suite, context and frame length', async () => {
  const { plaintext, messageHeader } = await sdk.decrypt(createKeyring(key), message)
  expect(plaintext.equals(plain)).toBe(true)
  expect(messageHeader).toMatchObject({ suiteId: 0x0478, frameLength: frameBytes, encryptionContext: context })
  expect(messageHeader.encryptedDataKeys.map((one) => one.providerId)).toEqual(['holdfast'])
})

test.each([
  [1000, 64],
  [8192, 4096],
  [8193, 4096],
  [0, 4096],
  [frameBytes + 5, frameBytes],
])('%i bytes that the SDK alone encrypted in frames of %i are read', async (sizeBytes, frameLength) => {
  const bytes = plain.subarray(0, sizeBytes)
  const { result } = await sdk.encrypt(createKeyring(key), bytes, { suiteId, encryptionContext: context, frameLength })
  const { error, bytes: read } = await decrypted(result, {}, 1000)
  expect(error).toBeUndefined()
  expect(read.equals(bytes)).toBe(true)
})

test.each([0, 1, frameBytes - 1, frameBytes, frameBytes + 1, 2 * frameBytes])(
  '%i bytes come back as they were',
  async (sizeBytes) => {
    const bytes = sampleBytes(sizeBytes)
    const encrypted = await collect(bytes, [encrypt({ key, context })], 100_003)
    expect((await collect(encrypted, [decrypt({ keys: ringOf(key), context })], 77_777)).equals(bytes)).toBe(true)
  },
)

test('any bytes survive compression, encryption and back, however the chunks are cut', async () => {
  const sizes = fc.oneof(fc.nat(300), fc.constantFrom(frameBytes - 1, frameBytes, frameBytes + 1), fc.nat(3 * frameBytes))
  const chunks = fc.integer({ min: 40_000, max: 3 * frameBytes })
  await fc.assert(
    fc.asyncProperty(sizes, chunks, chunks, async (sizeBytes, chunkIn, chunkOut) => {
      const bytes = sampleBytes(sizeBytes)
      const stored = await collect(bytes, [compressZstd({ level: 1 }), encrypt({ key, context })], chunkIn)
      const back = await collect(stored, [decrypt({ keys: ringOf(key), context }), decompressZstd()], chunkOut)
      expect(back.equals(bytes)).toBe(true)
    }),
    { numRuns: 15 },
  )
})

test('a message may come byte by byte', async () => {
  const small = await collect(sampleBytes(300), [encrypt({ key, context })])
  expect((await decrypted(small, {}, 1)).bytes.equals(sampleBytes(300))).toBe(true)
})

test('an older key is found by the name in the message, also when another’s name begins like it', async () => {
  const bytes = await collect(plain, [encrypt({ key: older, context })])
  expect((await decrypted(bytes)).bytes.equals(plain)).toBe(true)
})

test('a key that is not configured is named', async () => {
  const { error, bytes } = await decrypted(message, { keys: ringOf(older) })
  expect(error).toMatchObject({ code: 'KEY_MISSING', message: /"2026-11"/, details: { keyId: '2026-11' } })
  expect(bytes.length).toBe(0)
})

test('a key that has changed under its name does not open the message, and the hint says so', async () => {
  const { error } = await decrypted(message, { keys: ringOf(keyOf('2026-11', 9)) })
  expect(error).toMatchObject({ code: 'ARTIFACT_DAMAGED', hint: /still the key/ })
})

test('an artifact put in the place of another is refused, and both are named', async () => {
  const { error, bytes } = await decrypted(message, { context: { ...context, artifact: '16401.tar.zst.enc' } })
  expect(error).toMatchObject({ code: 'ARTIFACT_DAMAGED', message: /base\.tar\.zst\.enc.*16401\.tar\.zst\.enc/ })
  expect(bytes.length).toBe(0)
})

test('a stored context may say more than is asked', async () => {
  expect((await decrypted(message, { context: { system: 'avi5' } })).error).toBeUndefined()
})

describe('damage', () => {
  /** Fails as damage, and lets nothing out but a true beginning of the plaintext: the frames before the damage, at most. */
  async function expectDamage(bytes: Buffer, wholeFrames = 2, chunkBytes?: number): Promise<void> {
    const passed = await decrypted(bytes, {}, chunkBytes)
    expect(passed.error).toMatchObject({ code: expect.stringMatching(/^(ARTIFACT_DAMAGED|KEY_MISSING)$/) })
    expect(passed.bytes.length).toBeLessThanOrEqual(wholeFrames * frameBytes)
    expect(passed.bytes.equals(plain.subarray(0, passed.bytes.length))).toBe(true)
  }

  test('a message cut short anywhere fails', async () => {
    const frame = 4 + 12 + frameBytes + 16
    const within = [
      0,
      1,
      10,
      headerBytes - 17,
      headerBytes - 1,
      headerBytes,
      headerBytes + 3,
      headerBytes + 16,
      headerBytes + 5000,
    ]
    for (const length of within) await expectDamage(message.subarray(0, length), 0)
    for (const length of [frame - 16, frame - 1]) await expectDamage(message.subarray(0, headerBytes + length), 0)
    for (const length of [frame, frame + 4]) await expectDamage(message.subarray(0, headerBytes + length), 1)
    for (const length of [0, 3, 23, 24, 500]) await expectDamage(message.subarray(0, headerBytes + 2 * frame + length))
    for (const length of [-16, -1]) await expectDamage(message.subarray(0, length))
  })

  test('a changed bit in the header fails, whichever byte it is in', async () => {
    const small = await collect(plain.subarray(0, 100), [encrypt({ key, context })])
    for (let offset = 0; offset < headerBytes; offset++) await expectDamage(withFlippedBit(small, offset, offset % 8), 0)
  })

  test('a changed bit in a frame fails, and nothing of that frame comes out: its number, IV, content and tag', async () => {
    const frame = frameBytes + 32
    for (const index of [0, 1, 2]) {
      const start = headerBytes + index * frame
      for (const offset of [0, 3, 7, 16, 23, 500]) await expectDamage(withFlippedBit(message, start + offset, 0), index)
    }
    await expectDamage(withFlippedBit(message, headerBytes + frame - 17, 7), 0, 10_000)
    await expectDamage(withFlippedBit(message, headerBytes + frame - 1, 7), 0, 10_000)
    await expectDamage(withFlippedBit(message, message.length - 1, 7), 2, 10_000)
  })

  test('two frames that changed places fail', async () => {
    const frame = frameBytes + 32
    const [first, second] = [headerBytes, headerBytes + frame].map((start) => message.subarray(start, start + frame))
    const rest = message.subarray(headerBytes + 2 * frame)
    await expectDamage(Buffer.concat([message.subarray(0, headerBytes), second ?? rest, first ?? rest, rest]), 0)
  })

  test('frames left out, repeated, or of another message fail', async () => {
    const other = await collect(plain, [encrypt({ key, context })])
    const frame = frameBytes + 32
    const header = message.subarray(0, headerBytes)
    const [first, second, last] = [0, 1, 2].map((index) => message.subarray(headerBytes + index * frame).subarray(0, frame))
    const foreign = other.subarray(headerBytes + 2 * frame)
    if (first === undefined || second === undefined || last === undefined) throw new Error('three frames were expected')
    await expectDamage(Buffer.concat([header, second, last]), 0)
    await expectDamage(Buffer.concat([header, first, last]), 1)
    await expectDamage(Buffer.concat([header, last]), 0)
    await expectDamage(Buffer.concat([header, first, first, second, last]), 1)
    await expectDamage(Buffer.concat([header, first, second, foreign]), 2)
    await expectDamage(Buffer.concat([header, other.subarray(headerBytes)]), 0)
    await expectDamage(Buffer.concat([header, first, second]), 2)
  })

  test.each([
    ['without key commitment', AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA256, /begin like/],
    ['signed', AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY_ECDSA_P384, /another algorithm/],
  ])('a message %s is refused', async (_, otherSuite, why) => {
    const lenient = buildClient(CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT)
    const client = otherSuite < 0x0400 ? lenient : sdk
    const options = { suiteId: otherSuite, encryptionContext: context }
    const { result } = await client.encrypt(createKeyring(key), sampleBytes(100), options)
    expect((await decrypted(result)).error).toMatchObject({ code: 'ARTIFACT_DAMAGED', message: why })
  })

  test('a message that more than one key opens is refused', async () => {
    const both = new MultiKeyringNode({ generator: createKeyring(key), children: [createKeyring(older)] })
    const { result } = await sdk.encrypt(both, sampleBytes(100), { suiteId, encryptionContext: context })
    expect((await decrypted(result)).error).toMatchObject({ code: 'ARTIFACT_DAMAGED', message: /one data key/ })
  })

  test('anything behind the end fails', async () => {
    expect((await decrypted(Buffer.concat([message, Buffer.from([0])]))).error).toMatchObject({ message: /behind its end/ })
    expect((await decrypted(Buffer.concat([message, message]), {}, message.length)).error).toMatchObject({
      message: /behind its end/,
    })
  })

  test('what is no message fails', async () => {
    await expectDamage(sampleBytes(100_000), 0)
    await expectDamage(Buffer.alloc(100_000, 2), 0)
  })

  test('random damage never comes through, and never ends our process', async () => {
    const small = sampleBytes(3000)
    const stored = await collect(small, [encrypt({ key, context })])
    await fc.assert(
      fc.asyncProperty(
        fc.nat(stored.length - 1),
        fc.nat(7),
        fc.integer({ min: 1, max: 4000 }),
        async (offset, bit, chunkBytes) => {
          const { error, bytes } = await decrypted(withFlippedBit(stored, offset, bit), {}, chunkBytes)
          expect(error).toBeDefined()
          expect(bytes.length).toBe(0)
        },
      ),
      { numRuns: 300 },
    )
  })
})

test('a reader that turns away early ends the stage', async () => {
  const stage = decrypt({ keys: ringOf(key), context })
  stage.write(message)
  for await (const _ of stage) break
  expect(stage.destroyed).toBe(true)
})

function withFlippedBit(bytes: Buffer, offset: number, bit: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[offset] = (copy[offset] ?? 0) ^ (1 << bit)
  return copy
}
