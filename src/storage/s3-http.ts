import { readFile } from 'node:fs/promises'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { Readable } from 'node:stream'
import { createSecureContext, rootCertificates } from 'node:tls'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { HoldfastError } from '../domain/errors.js'
import type { S3StoreOptions } from './s3-options.js'
import type { Source } from './store.js'

type Handle = NodeHttpHandler['handle']

export interface HttpHandler {
  readonly metadata: { readonly handlerProtocol: string }
  readonly handle: Handle
  destroy(): void
  updateHttpClientConfig(): void
  httpHandlerConfigs(): Record<string, never>
}

interface Handlers {
  /** Fails on silence in either direction. */
  readonly requests: NodeHttpHandler
  /** Fails when the answer does not begin in time; its body is watched by `sizedBody`. */
  readonly downloads: NodeHttpHandler
  destroy(): void
}

/**
 * Connections of one store, kept alive and shared. Downloads have a handler of their own because a socket timeout cannot tell
 * a silent store from a reader that is busy, and a restore may be busy for minutes.
 */
export function createHttpHandler(options: S3StoreOptions): HttpHandler {
  let handlers: Promise<Handlers> | undefined
  const handle: Handle = async (request, handling) => {
    // On first use and not before: the file of certificates is read, and may be missing.
    handlers ??= openHandlers(options)
    const { requests, downloads } = await handlers
    if (request.query['x-id'] === 'GetObject') return downloads.handle(request, handling)
    return isSource(request.body) ? sendSource(requests, request, handling) : requests.handle(inSlices(request), handling)
  }
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    handle,
    destroy: () => {
      handlers?.then(
        (opened) => opened.destroy(),
        () => undefined,
      )
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  }
}

type Request = Parameters<Handle>[0]
type Handling = Parameters<Handle>[1]
type Answer = Awaited<ReturnType<Handle>>

/**
 * A large body goes to the connection piece by piece, as fast as it takes them: given whole, TLS holds it once more as it is and
 * once encrypted. The request itself stays as it is, for the SDK may send it again.
 */
function inSlices(request: Request): Request {
  const body: unknown = request.body
  if (!(body instanceof Uint8Array) || body.length <= sliceBytes) return request
  return withBody(request, Readable.from(slicesOf(body)))
}

function withBody(request: Request, body: Readable): Request {
  return Object.assign(Object.create(Object.getPrototypeOf(request)), request, { body })
}

const sliceBytes = 256 * 1024

function* slicesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += sliceBytes) yield bytes.subarray(offset, offset + sliceBytes)
}

function isSource(body: unknown): body is Source {
  return typeof body === 'object' && body !== null && 'sizeBytes' in body && 'read' in body
}

/** A source that fails ends the request: its connection would wait for the rest. */
async function sendSource(handler: NodeHttpHandler, request: Request, handling: Handling): Promise<Answer> {
  const failing = new AbortController()
  const body = Readable.from((request.body as Source).read(), { objectMode: false })
  body.on('error', (error) => failing.abort(error))
  const { abortSignal: outer } = handling ?? {}
  const abortSignal = AbortSignal.any([failing.signal, ...(outer instanceof AbortSignal ? [outer] : [])])
  try {
    return await handler.handle(withBody(request, body), { ...handling, abortSignal })
  } catch (error) {
    body.destroy()
    throw failing.signal.aborted ? failing.signal.reason : error
  }
}

async function openHandlers(options: S3StoreOptions): Promise<Handlers> {
  const caFile = options.tls?.caFile
  // Made once: given as certificates they are read anew for each connection, and are part of its name in the pool.
  const secureContext =
    caFile === undefined ? undefined : createSecureContext({ ca: [...rootCertificates, await readCertificates(caFile)] })
  const pool = { keepAlive: true, maxSockets: maximumConnections, maxFreeSockets: 16 }
  const httpAgent = new HttpAgent(pool)
  const httpsAgent = new HttpsAgent({ ...pool, ...(secureContext && { secureContext }) })
  // Waiting for a free connection counts as connecting, so the pool is wider than what a store is asked at once.
  const connectionTimeout = Math.min(options.requestTimeoutMs, maximumConnectMs)
  const shared = { httpAgent, httpsAgent, connectionTimeout }
  return {
    requests: new NodeHttpHandler({ ...shared, socketTimeout: options.requestTimeoutMs }),
    downloads: new NodeHttpHandler({
      ...shared,
      socketTimeout: 0,
      requestTimeout: options.requestTimeoutMs,
      throwOnRequestTimeout: true,
    }),
    destroy: () => {
      httpAgent.destroy()
      httpsAgent.destroy()
    },
  }
}

const maximumConnections = 64
const maximumConnectMs = 10_000

async function readCertificates(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new HoldfastError('CONFIG_INVALID', `the certificates in "${file}" cannot be read`, {
      hint: 'correct tls.caFile of the repository: a PEM file this user may read',
      cause: error,
    })
  }
}
