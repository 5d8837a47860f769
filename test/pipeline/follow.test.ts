import { appendFile, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { follow } from '../../src/pipeline/follow.js'
import { sampleBytes } from './streams.js'

let directory: string
let files = 0
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-follow-'))
})
afterAll(() => rm(directory, { recursive: true }))

async function newFile(content = Buffer.alloc(0)): Promise<string> {
  const file = join(directory, String(files++))
  await appendFile(file, content)
  return file
}
const never = new AbortController().signal

test('all that a writer appends is read, whatever the sizes and pauses', async () => {
  const appends = fc.array(fc.record({ sizeBytes: fc.oneof(fc.nat(10), fc.nat(3_000_000)), pauseMs: fc.nat(6) }), {
    maxLength: 8,
  })
  await fc.assert(
    fc.asyncProperty(appends, fc.integer({ min: 1, max: 8 }), async (steps, pollMs) => {
      const file = await newFile()
      const handle = await open(file)
      let finished = false
      const write = async (): Promise<Buffer> => {
        const written: Buffer[] = []
        for (const { sizeBytes, pauseMs } of steps) {
          const bytes = sampleBytes(sizeBytes)
          await appendFile(file, bytes)
          written.push(bytes)
          await delay(pauseMs)
        }
        finished = true
        return Buffer.concat(written)
      }
      const reading = follow(handle, { isFinished: () => finished, signal: never, pollMs }).toArray()
      const written = await write()
      expect(Buffer.concat(await reading).equals(written)).toBe(true)
      await handle.close()
    }),
    { numRuns: 25 },
  )
})

test('what is appended between the last read and the word that it is finished is not missed', async () => {
  const file = await newFile(Buffer.from('begin '))
  const handle = await open(file)
  const isFinished = async (): Promise<boolean> => {
    await appendFile(file, 'end')
    return true
  }
  expect(Buffer.concat(await follow(handle, { isFinished, signal: never }).toArray()).toString()).toBe('begin end')
  await handle.close()
})

test('reading begins where it is told to, and chunks have 1 MiB', async () => {
  const content = sampleBytes(2.5 * 1024 * 1024)
  const handle = await open(await newFile(content))
  const chunks: Buffer[] = await follow(handle, { isFinished: () => true, signal: never, start: 100 }).toArray()
  expect(Buffer.concat(chunks).equals(content.subarray(100))).toBe(true)
  expect(chunks.map((chunk) => chunk.length)).toEqual([1024 * 1024, 1024 * 1024, content.length - 100 - 2 * 1024 * 1024])
  await handle.close()
})

test('an abort while waiting for more rejects at once with the reason', async () => {
  const handle = await open(await newFile(Buffer.from('x')))
  const controller = new AbortController()
  const reading = follow(handle, { isFinished: () => false, signal: controller.signal, pollMs: 60_000 }).toArray()
  const reason = new Error('stop')
  setTimeout(() => controller.abort(reason), 20)
  await expect(reading).rejects.toBe(reason)
  await expect(follow(handle, { isFinished: () => false, signal: controller.signal }).toArray()).rejects.toBe(reason)
  await handle.close()
})

test('a failing answer whether the writer is finished fails the stream', async () => {
  const handle = await open(await newFile())
  const reason = new Error('capture is gone')
  const isFinished = async (): Promise<boolean> => {
    throw reason
  }
  await expect(follow(handle, { isFinished, signal: never }).toArray()).rejects.toBe(reason)
  await handle.close()
})

test('a slow reader is not overrun', async () => {
  const handle = await open(await newFile(sampleBytes(8 * 1024 * 1024)))
  const stream = follow(handle, { isFinished: () => true, signal: never })
  let most = 0
  const slow = new Writable({
    highWaterMark: 1,
    write(_chunk, _encoding, callback) {
      most = Math.max(most, stream.readableLength)
      setTimeout(callback, 5)
    },
  })
  await pipeline(stream, slow)
  expect(most).toBeLessThanOrEqual(2 * 1024 * 1024)
  await handle.close()
})

test('the handle is closed only when that is asked for, also after a failure', async () => {
  const kept = await open(await newFile(Buffer.from('abc')))
  await follow(kept, { isFinished: () => true, signal: never }).toArray()
  expect((await kept.stat()).size).toBe(3)
  await kept.close()
  const closing = await open(await newFile())
  const stream = follow(closing, { isFinished: () => false, signal: never, handle: 'close' })
  stream.on('error', () => {})
  stream.destroy(new Error('turned away'))
  await new Promise((resolve) => stream.once('close', resolve))
  await expect(closing.stat()).rejects.toMatchObject({ code: 'EBADF' })
})
