import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { freePort } from './free-port.js'
import { ratePacer } from './rate-pacer.js'
import { describeRequest, type LoggedRequest, type Passing } from './s3-request.js'

export type { LoggedRequest, S3Operation } from './s3-request.js'
export type Match = (request: LoggedRequest) => boolean

/** A request that waits in the proxy until it is released. Its client may go away meanwhile; then it is not passed on. */
export interface HeldRequest {
  readonly request: LoggedRequest
  release(): void
}

export interface S3Proxy {
  readonly endpoint: string
  /** All requests since the start, in the order in which they began. */
  readonly requests: readonly LoggedRequest[]
  /** Calls `hook` as each request begins. @returns what takes the hook away. */
  on(hook: (request: LoggedRequest) => void): () => void
  /**
   * Holds the next request that matches. `before`: nothing of it reaches the server. `after`: the server has done and answered
   * it, and the client does not know. Resolves when there is one. @param signal no longer waits for one; never resolves then
   */
  hold(match: Match, when?: 'before' | 'after', signal?: AbortSignal): Promise<HeldRequest>
  /** Answers the next request that matches in place of the server, which sees nothing of it. */
  failNext(match: Match, status: number, body?: string): void
  /** The same for every request that matches. @returns what ends it. */
  failAll(match: Match, status: number, body?: string): () => void
  /** Passes the next request that matches on, and answers with another status than the server. */
  loseNextAnswer(match: Match, status: number): void
  /** Cuts the body of the next request that matches in half, and both connections with it. */
  breakNext(match: Match): void
  /** Cuts the body of the next answer that matches in half, and the connection with it. */
  truncateNext(match: Match): void
  /** Leaves checksum and its type out of the next answer that matches, as a store does that keeps none of the whole object. */
  hideNextChecksum(match: Match): void
  /** Lets the body of the next answer that matches stop half-way, with the connection open. */
  stallNext(match: Match): void
  /** All bodies together, both ways. `undefined`: as fast as it goes. */
  limitRate(bytesPerSecond: number | undefined): void
  /**
   * `<key> <upload id> <part number>` of each part that was sent again although the server had it: it had answered 200 before the
   * sender last asked which parts there are, or, where nobody asked in between, before it was sent again. The request of a process
   * that was killed may come to its end after everybody has asked; nobody can know of that one.
   */
  sentTwice(): string[]
  /** Ends all connections and refuses new ones until `resume`. */
  pause(): Promise<void>
  resume(): Promise<void>
  stop(): Promise<void>
}

interface Fault {
  readonly kind: 'hold-before' | 'hold-after' | 'fail' | 'lose' | 'break' | 'truncate' | 'stall' | 'hide'
  readonly match: Match
  readonly status?: number
  readonly body?: string
  /** It meets every request that matches, until it is taken away. */
  readonly lasts?: true
  readonly caught?: (held: HeldRequest) => void
}

/** Stands between a client and an S3 server (plain HTTP), changes nothing unless told to, and writes everything down. */
export async function startS3Proxy({ target }: { readonly target: string }): Promise<S3Proxy> {
  const requests: Passing[] = []
  const hooks = new Set<(request: LoggedRequest) => void>()
  const faults: Fault[] = []
  const sockets = new Set<Socket>()
  const pacer = ratePacer()
  const agent = new Agent({ keepAlive: false })
  let sequence = 0

  const take = (passing: Passing): Fault | undefined => {
    const index = faults.findIndex((fault) => fault.match(passing))
    const fault = faults[index]
    if (fault !== undefined && fault.lasts === undefined) faults.splice(index, 1)
    return fault
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    sequence += 1
    const passing = describeRequest(request, requests.length + 1, sequence)
    requests.push(passing)
    for (const hook of hooks) hook(passing)
    const fault = take(passing)
    if (fault?.kind === 'hold-before') await holdUp(fault, passing)
    if (isGone(request)) return
    if (fault?.kind === 'fail') return answerInstead(passing, fault, request, response)
    const answer = await forward(passing, request, fault?.kind === 'break')
    sequence += 1
    passing.answeredAt = sequence
    passing.answeredBy = 'server'
    passing.status = answer.statusCode
    if (fault?.kind === 'hold-after') await holdUp(fault, passing)
    if (fault?.kind === 'lose') {
      answer.resume()
      response.writeHead(fault.status ?? 500).end()
      return
    }
    await passBack(passing, fault, answer, response)
  }

  const forward = async (passing: Passing, request: IncomingMessage, breaks: boolean): Promise<IncomingMessage> => {
    const { hostname, port } = new URL(target)
    // The Host header stays the client's: it is part of what was signed.
    const options = { hostname, port, agent, method: request.method, path: request.url, headers: request.headers }
    const upstream = sendRequest(options)
    const answered = once(upstream, 'response') as Promise<[IncomingMessage]>
    // The body and the answer fail together; the answer's failure is the one looked at.
    pipeline(request, pacer.pace(countInto(passing, 'bytes')), upstream).catch(() => upstream.destroy())
    const half = Number(request.headers['content-length'] ?? 0) / 2
    if (breaks) request.on('data', () => passing.bytes >= half && request.socket.destroy())
    const [answer] = await answered
    return answer
  }

  const passBack = async (passing: Passing, fault: Fault | undefined, answer: IncomingMessage, response: ServerResponse) => {
    const { 'x-amz-checksum-crc32': _checksum, 'x-amz-checksum-type': _type, ...others } = answer.headers
    const shown = fault?.kind === 'hide' ? others : answer.headers
    response.writeHead(answer.statusCode ?? 502, shown)
    const length = Number(answer.headers['content-length'] ?? 0)
    const cut = fault?.kind === 'truncate' || fault?.kind === 'stall'
    if (cut) response.flushHeaders()
    const limit = cut ? Math.floor(length / 2) : Number.POSITIVE_INFINITY
    if (!cut) return pipeline(answer, pacer.pace(countInto(passing, 'bytesBack')), response)
    for await (const chunk of answer) {
      const bytes = (chunk as Buffer).subarray(0, limit - passing.bytesBack)
      passing.bytesBack += bytes.length
      await new Promise((resolve) => response.write(bytes, resolve))
      if (passing.bytesBack >= limit) break
    }
    if (fault?.kind === 'truncate') response.socket?.destroy()
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => {
      // Either side is gone: what the other one sees is a broken connection, as it would without us.
      response.socket?.destroy()
      request.socket?.destroy()
    })
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.requestTimeout = 0
  const port = await freePort()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')

  const pause = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }

  return {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    on: (hook) => {
      hooks.add(hook)
      return () => hooks.delete(hook)
    },
    hold: (match, when = 'before', signal) =>
      new Promise((caught) => {
        if (signal?.aborted) return
        const fault: Fault = { kind: `hold-${when}`, match, caught }
        faults.push(fault)
        signal?.addEventListener('abort', () => {
          if (faults.includes(fault)) faults.splice(faults.indexOf(fault), 1)
        })
      }),
    failNext: (match, status, body) => {
      faults.push({ kind: 'fail', match, status, ...(body !== undefined && { body }) })
    },
    failAll: (match, status, body) => {
      const fault: Fault = { kind: 'fail', match, status, lasts: true, ...(body !== undefined && { body }) }
      faults.push(fault)
      return () => void faults.splice(faults.indexOf(fault), 1)
    },
    loseNextAnswer: (match, status) => {
      faults.push({ kind: 'lose', match, status })
    },
    breakNext: (match) => {
      faults.push({ kind: 'break', match })
    },
    truncateNext: (match) => {
      faults.push({ kind: 'truncate', match })
    },
    hideNextChecksum: (match) => {
      faults.push({ kind: 'hide', match })
    },
    stallNext: (match) => {
      faults.push({ kind: 'stall', match })
    },
    limitRate: pacer.limit,
    sentTwice: () => sentTwice(requests),
    pause,
    resume: async () => {
      if (server.listening) return
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    stop: async () => {
      await pause()
      agent.destroy()
    },
  }
}

function holdUp(fault: Fault, request: LoggedRequest): Promise<void> {
  return new Promise((resolve) => fault.caught?.({ request, release: () => resolve() }))
}

async function answerInstead(passing: Passing, fault: Fault, request: IncomingMessage, response: ServerResponse): Promise<void> {
  passing.status = fault.status
  passing.answeredBy = 'proxy'
  // The body is read to its end first, so that the client is sure to see the answer.
  for await (const _ of request);
  response.writeHead(fault.status ?? 500, { 'content-type': 'application/xml' })
  response.end(passing.method === 'HEAD' ? undefined : fault.body)
}

function countInto(passing: Passing, field: 'bytes' | 'bytesBack'): (bytes: number) => void {
  return (bytes) => {
    passing[field] += bytes
  }
}

function sentTwice(requests: readonly LoggedRequest[]): string[] {
  const parts = requests.filter(({ operation }) => operation === 'PutPart')
  const repeated = parts.filter((later) =>
    parts.some(
      (earlier) =>
        nameOf(earlier) === nameOf(later) &&
        earlier.answeredBy === 'server' &&
        earlier.status === 200 &&
        earlier.answeredAt !== undefined &&
        earlier.answeredAt < lastLook(requests, earlier, later),
    ),
  )
  return repeated.map(nameOf)
}

/** When the parts of an upload were last asked for between two sendings; when the later one began, if nobody asked. */
function lastLook(requests: readonly LoggedRequest[], earlier: LoggedRequest, later: LoggedRequest): number {
  const looks = requests.filter(
    ({ operation, uploadId, beganAt }) =>
      operation === 'ListParts' && uploadId === later.uploadId && beganAt > earlier.beganAt && beganAt < later.beganAt,
  )
  return looks.at(-1)?.beganAt ?? later.beganAt
}

function nameOf({ key, uploadId, partNumber }: LoggedRequest): string {
  return `${key} ${uploadId} ${partNumber}`
}

// A killed client ends its side; the socket itself is only destroyed once we have answered.
function isGone({ socket }: IncomingMessage): boolean {
  return socket.destroyed || socket.readableEnded
}
