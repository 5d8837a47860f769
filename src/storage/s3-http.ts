import { readFile } from 'node:fs/promises'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { Readable } from 'node:stream'
import { rootCertificates } from 'node:tls'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { HoldfastError } from '../domain/errors.js'
import type { S3StoreOptions } from './s3-options.js'

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
    const isDownload = request.query['x-id'] === 'GetObject'
    return (isDownload ? downloads : requests).handle(inSlices(request), handling)
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

/**
 * A large body goes to the connection piece by piece, as fast as it takes them: given whole, TLS holds it once more as it is and
 * once encrypted. The request itself stays as it is, for the SDK may send it again.
 */
function inSlices(request: Request): Request {
  const body: unknown = request.body
  if (!(body instanceof Uint8Array) || body.length <= sliceBytes) return request
  return Object.assign(Object.create(Object.getPrototypeOf(request)), request, { body: Readable.from(slicesOf(body)) })
}

const sliceBytes = 256 * 1024

function* slicesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += sliceBytes) yield bytes.subarray(offset, offset + sliceBytes)
}

async function openHandlers(options: S3StoreOptions): Promise<Handlers> {
  const caFile = options.tls?.caFile
  const ca = caFile === undefined ? undefined : [...rootCertificates, await readCertificates(caFile)]
  const pool = { keepAlive: true, maxSockets: maximumConnections, maxFreeSockets: 16 }
  const httpAgent = new HttpAgent(pool)
  const httpsAgent = new HttpsAgent({ ...pool, ...(ca && { ca }) })
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
