import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { HoldfastError } from '../domain/errors.js'
import type { ObjectKey } from '../domain/ids.js'
import { toS3Error } from './s3-errors.js'
import { createHttpHandler, type HttpHandler } from './s3-http.js'
import type { S3StoreOptions } from './s3-options.js'
import type { CallOptions } from './store.js'

/** A client of one bucket and prefix. */
export interface S3Connection {
  readonly client: S3Client
  /** The same without the SDK's repeating, for requests of which we look for the effect before we repeat them. */
  readonly onceClient: S3Client
  readonly options: S3StoreOptions
  readonly description: string
  /** A key of ours as the bucket has it. */
  fullKey(key: string): string
  /** A key of the bucket as ours; undefined for what lies outside the prefix or no store of ours could have written. */
  ownKey(fullKey: string | undefined): ObjectKey | undefined
  /** Sends a request; failures become HoldfastErrors that name `what`, an abort rejects at once with the signal's reason. */
  run<T>(what: string, call: CallOptions, send: (options: { abortSignal?: AbortSignal }) => Promise<T>): Promise<T>
  /** Tells a missing bucket from a missing key, which HEAD answers alike. @throws STORE_MISSING */
  assertBucket(call: CallOptions): Promise<void>
  close(): void
}

export function connectS3(options: S3StoreOptions): S3Connection {
  const prefix = options.prefix?.replace(/^\/+|\/+$/g, '') ?? ''
  const base = prefix === '' ? '' : `${prefix}/`
  const requestHandler = createHttpHandler(options)
  const client = createClient(options, requestHandler, options.maxAttempts)
  const onceClient = createClient(options, requestHandler, 1)
  const place = `bucket "${options.bucket}" at ${options.endpoint ?? `AWS ${options.region}`}`
  let bucketSeen = false
  const connection: S3Connection = {
    client,
    onceClient,
    options,
    description: `s3://${options.bucket}/${base} at ${options.endpoint ?? `AWS ${options.region}`}`,
    fullKey: (key) => `${base}${key}`,
    ownKey: (fullKey) => (fullKey?.startsWith(base) ? wellFormed(fullKey.slice(base.length)) : undefined),
    run: async (what, { signal }, send) => {
      signal?.throwIfAborted()
      try {
        const answer = await orAborted(send(signal ? { abortSignal: signal } : {}), signal)
        bucketSeen = true
        return answer
      } catch (error) {
        if (signal?.aborted) throw signal.reason
        throw toS3Error(error, { what, place, bucket: options.bucket, region: options.region })
      }
    },
    assertBucket: async (call) => {
      if (bucketSeen) return
      const request = new HeadBucketCommand({ Bucket: options.bucket })
      try {
        await connection.run('head of the bucket', call, (sending) => client.send(request, sending))
      } catch (error) {
        if (!(error instanceof HoldfastError) || error.code !== 'NOT_FOUND') throw error
        throw new HoldfastError('STORE_MISSING', `there is no ${place}`, { cause: error })
      }
    },
    close: () => requestHandler.destroy(),
  }
  return connection
}

function createClient(options: S3StoreOptions, requestHandler: HttpHandler, maxAttempts: number): S3Client {
  const client = new S3Client({
    region: options.region,
    maxAttempts,
    forcePathStyle: options.forcePathStyle ?? false,
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    ...(options.credentials && { credentials: options.credentials }),
    requestHandler: { ...requestHandler },
    // We compute and compare CRC-32s ourselves. The SDK's defaults send CRC-64 or trailers that many stores do not know.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // With it the SDK opens a connection for each part, and waits 6 s for stores that do not answer it.
    expectContinueHeader: false,
  })
  client.middlewareStack.add(
    (next) => (args) => {
      leaveBodyUnsigned(args.request)
      return next(args)
    },
    { step: 'build', name: 'leaveBodyUnsigned' },
  )
  return client
}

/**
 * Over TLS the body is not hashed for the signature: SHA-256 at 300 MB/s would be the slowest step of an upload. TLS protects
 * the way, the CRC-32 sent along is checked by the store. Over plain HTTP the body is signed.
 */
function leaveBodyUnsigned(request: unknown): void {
  if (typeof request !== 'object' || request === null || !('headers' in request) || !('protocol' in request)) return
  const headers = request.headers as Record<string, string>
  const isUpload = 'method' in request && request.method === 'PUT' && 'body' in request && request.body instanceof Uint8Array
  if (isUpload && request.protocol === 'https:') headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD'
}

// The SDK waits out its pauses between tries even when the signal is aborted.
function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

function wellFormed(key: string): ObjectKey | undefined {
  const isOurs = key.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..')
  return isOurs ? (key as ObjectKey) : undefined
}
