import type { IncomingMessage } from 'node:http'

/** What a request asks of the server, in the words of the `Store` contract. */
export type S3Operation =
  | 'Put'
  | 'Get'
  | 'Head'
  | 'Delete'
  | 'DeleteMany'
  | 'List'
  | 'Copy'
  | 'Begin'
  | 'PutPart'
  | 'Complete'
  | 'Abort'
  | 'ListParts'
  | 'ListUploads'
  | 'Other'

/** A request that passed, or is passing, the proxy. It changes until the request has ended. */
export interface LoggedRequest {
  /** From 1, in the order in which requests began. */
  readonly number: number
  readonly method: string
  readonly operation: S3Operation
  readonly bucket: string
  /** As the bucket has it, decoded; '' for requests to the bucket. */
  readonly key: string
  readonly uploadId: string | undefined
  readonly partNumber: number | undefined
  /** `FULL_OBJECT` where a beginning or a completion speaks of a checksum of the whole. */
  readonly checksumType: string | undefined
  /** Of the server's answer, or of the one the proxy made up; undefined until there is one. */
  readonly status: number | undefined
  /** Whether `status` is the server's. */
  readonly answeredBy: 'server' | 'proxy' | undefined
  /** Body bytes passed on to the server so far. */
  readonly bytes: number
  /** Body bytes passed on to the client so far. */
  readonly bytesBack: number
  /** Position of begin and of the server's answer in one sequence. */
  readonly beganAt: number
  readonly answeredAt: number | undefined
}

export type Passing = { -readonly [Field in keyof LoggedRequest]: LoggedRequest[Field] }

export function describeRequest(request: IncomingMessage, number: number, beganAt: number): Passing {
  const url = new URL(request.url ?? '/', 'http://proxy')
  const [, bucket = '', key = ''] = /^\/([^/]*)\/?(.*)$/.exec(url.pathname) ?? []
  const method = request.method ?? 'GET'
  const part = url.searchParams.get('partNumber')
  const type = request.headers['x-amz-checksum-type']
  return {
    number,
    method,
    operation: operationOf(method, key, url.searchParams, request.headers['x-amz-copy-source'] !== undefined),
    bucket: decodeURIComponent(bucket),
    key: decodeURIComponent(key),
    uploadId: url.searchParams.get('uploadId') ?? undefined,
    partNumber: part === null ? undefined : Number(part),
    checksumType: typeof type === 'string' ? type : undefined,
    status: undefined,
    answeredBy: undefined,
    bytes: 0,
    bytesBack: 0,
    beganAt,
    answeredAt: undefined,
  }
}

function operationOf(method: string, key: string, query: URLSearchParams, isCopy: boolean): S3Operation {
  if (key === '') {
    if (method === 'POST' && query.has('delete')) return 'DeleteMany'
    if (method === 'GET' && query.has('uploads')) return 'ListUploads'
    return method === 'GET' && query.has('list-type') ? 'List' : 'Other'
  }
  if (query.has('uploads')) return 'Begin'
  if (query.has('uploadId')) return uploadOperations[method] ?? 'Other'
  return isCopy ? 'Copy' : (objectOperations[method] ?? 'Other')
}

const uploadOperations: Readonly<Record<string, S3Operation>> = {
  PUT: 'PutPart',
  POST: 'Complete',
  DELETE: 'Abort',
  GET: 'ListParts',
}
const objectOperations: Readonly<Record<string, S3Operation>> = { PUT: 'Put', GET: 'Get', HEAD: 'Head', DELETE: 'Delete' }
