import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectTo } from '../../src/jobs/connect-job.js'
import { type JobMessage, messagesFrom } from '../../src/jobs/protocol.js'
import { emptyCapture, type JobBench, openJobBench } from './job-bench.js'

let bench: JobBench

beforeAll(async () => {
  bench = await openJobBench()
})

afterAll(async () => {
  await bench?.close()
})

test('a job survives who talks nonsense, says half a word, sends without end, or goes away', async () => {
  const spec = bench.idle('a1')
  const watching = bench.attach(spec)
  const pid = await bench.pidOf(spec)
  const rude = async (talk: (socket: Socket) => void) => {
    const socket = await connectTo(bench.directoryOf(spec))
    if (socket === undefined) throw new Error('nobody listens')
    socket.on('error', () => undefined).resume()
    // Not `once`, which fails on the reset that is expected here.
    const closed = new Promise((done) => socket.on('close', done))
    talk(socket)
    await closed
  }
  await rude((socket) => socket.write('GET / HTTP/1.1\r\n\r\n'))
  await rude((socket) => socket.write('null\n{"type":"stop"}\n'))
  await rude((socket) => socket.end('{"type":"st'))
  await rude((socket) => socket.write('x'.repeat(2 * 1024 * 1024)))
  await rude((socket) => socket.destroy())
  expect(await bench.pidOf(spec)).toBe(pid)
  await bench.captureEnded('a1', emptyCapture())
  await expect(watching).resolves.toMatchObject({ partsSent: 0 })
})

test('messages end where the other side dies in the middle of a line', async () => {
  expect(await messagesAfter((socket) => socket.end('{"type":"pulse"}\n{"type":"progress","progr'))).toEqual([{ type: 'pulse' }])
})

test('messages end when we hang up', async () => {
  expect(await messagesAfter(() => undefined, 'hang up')).toEqual([])
})

test('messages are put together again however they were cut', async () => {
  const text = `${JSON.stringify({ type: 'announcement', text: 'größe.tar' })}\n${JSON.stringify({ type: 'hello', pid: 1 })}\n`
  const bytewise = async (socket: Socket) => {
    for (const byte of Buffer.from(text)) if (!socket.write(Buffer.of(byte))) await once(socket, 'drain')
    socket.end()
  }
  expect(await messagesAfter(bytewise)).toEqual([
    { type: 'announcement', text: 'größe.tar' },
    { type: 'hello', pid: 1 },
  ])
})

async function messagesAfter(talk: (socket: Socket) => unknown, then: 'hang up' | 'listen' = 'listen'): Promise<JobMessage[]> {
  const server = createServer((socket) => void talk(socket))
  const path = join(bench.directory, 'talk')
  server.listen(path)
  await once(server, 'listening')
  const socket = connect(path)
  await once(socket, 'connect')
  if (then === 'hang up') setImmediate(() => socket.destroy())
  const messages: JobMessage[] = []
  for await (const message of messagesFrom<JobMessage>(socket)) messages.push(message)
  socket.destroy()
  server.close()
  return messages
}
