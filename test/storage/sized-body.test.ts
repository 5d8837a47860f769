import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, it, vi } from 'vitest'
import { HoldfastError } from '../../src/domain/errors.js'
import { sizedBody } from '../../src/storage/sized-body.js'
import { codeOf } from './store-reading.js'

const toError = (error: Error) => new HoldfastError('LOCAL_IO', error.message)
const body = (source: Readable, sizeBytes: number) => sizedBody(source, { what: 'a body', sizeBytes, toError, signal: undefined })
const chunks = (...texts: string[]) => Readable.from(texts.map((text) => Buffer.from(text)))

it('passes a body of the size that was said', async () => {
  expect(`${await buffer(body(chunks('abc', 'def'), 6))}`).toBe('abcdef')
})

it('passes every byte of a body that comes in pieces of any size', async () => {
  const bytes = randomBytes(3_500_000)
  const sizes = [1, 4096, 700_000, 1_048_576, 1_300_000, 4096]
  const pieces: Buffer[] = []
  for (let from = 0; from < bytes.length; from += pieces.at(-1)?.length ?? 0) {
    pieces.push(bytes.subarray(from, from + (sizes[pieces.length] ?? 16_384)))
  }
  expect((await buffer(body(Readable.from(pieces), bytes.length))).equals(bytes)).toBe(true)
})

it('is not silent once all of it is there, however long its reader takes', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    const source = chunks('abc', 'def')
    const options = { what: 'a body', sizeBytes: 6, toError, signal: undefined, idleTimeoutMs: 100 }
    const whole = sizedBody(source, options)
    await once(whole, 'readable')
    vi.advanceTimersByTime(1000)
    expect(`${await buffer(whole)}`).toBe('abcdef')
  } finally {
    vi.useRealTimers()
  }
})

it.each([
  ['ends early', chunks('abc', 'de')],
  ['goes on', chunks('abc', 'def', 'g')],
  ['is empty', chunks()],
])('fails a body that %s', async (_, source) => {
  expect(await codeOf(buffer(body(source, 6)))).toBe('STORE_UNAVAILABLE')
})

it('gives the failure of the source in the words of the store', async () => {
  const source = Readable.from(
    (async function* () {
      yield Buffer.from('abc')
      throw new Error('the disk is gone')
    })(),
  )
  expect(await codeOf(buffer(body(source, 6)))).toBe('LOCAL_IO')
})

it('closes the source when the reader goes away', async () => {
  const source = new Readable({ read: () => undefined })
  const reader = body(source, 6)
  const closed = new Promise((resolve) => source.once('close', resolve))
  reader.destroy()
  await closed
  expect(source.destroyed).toBe(true)
})
