import { type ErrorCode, HoldfastError } from '../domain/errors.js'
import { errnoOf } from './filesystem-errors.js'

export interface S3Context {
  /** Operation and key: `put of "a/b"`. */
  readonly what: string
  /** Bucket and endpoint. */
  readonly place: string
  readonly bucket: string
  readonly region: string
}

interface Verdict {
  readonly code: ErrorCode
  readonly hint?: string
}

/** Parts of the SDK's errors, which are classes only sometimes. */
interface SdkError {
  readonly name: string
  readonly message: string
  readonly status: number | undefined
  readonly attempts: number | undefined
  readonly bucketRegion: string | undefined
}

/**
 * Anything the SDK throws, as a HoldfastError. Details hold `s3Code`, `status` and `attempts`. Errors of the service are not kept
 * as `cause`: some carry the request they refuse, session token included.
 */
export function toS3Error(error: unknown, context: S3Context): HoldfastError {
  if (error instanceof HoldfastError) return error
  const known = readSdkError(error)
  const { code, hint } = judge(known, errnoOf(error), context)
  const fromService = known.status !== undefined
  const reason = fromService ? reasonGiven(known) : known.message || known.name
  return new HoldfastError(code, `${context.what} in ${context.place} failed: ${reason}`, {
    ...(hint !== undefined && { hint }),
    ...(!fromService && { cause: error }),
    details: { s3Code: known.name, status: known.status ?? null, attempts: known.attempts ?? null, bucket: context.bucket },
  })
}

/** The store's own name of an error, e.g. `NoSuchUpload`. */
export function s3CodeOf(error: unknown): string | undefined {
  if (!(error instanceof HoldfastError)) return undefined
  return typeof error.details.s3Code === 'string' ? error.details.s3Code : undefined
}

/** The connection broke, or stayed silent: the store may have refused the request, or carried it out. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === 'STORE_UNAVAILABLE' && error.details.status === null
}

/** Answers to HEAD have no body, and so a refusal has no reason. */
export function isRefusedWithoutReason(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === 'STORE_DENIED' && s3CodeOf(error) === withoutReason
}

const withoutReason = 'Unknown'

// Not `name: message`: what follows `ExpiredToken:` would be taken for a token and masked.
function reasonGiven({ name, message, status }: SdkError): string {
  if (name === withoutReason) return `the store answered ${status} and gave no reason`
  return message === '' ? name : `${message.slice(0, 300)} (${name})`
}

function judge(error: SdkError, errno: string | undefined, context: S3Context): Verdict {
  const region = error.bucketRegion
  if (region !== undefined && (error.status === 301 || error.name === 'AuthorizationHeaderMalformed')) {
    return { code: 'STORE_MISSING', hint: `the bucket is in region "${region}", the configuration says "${context.region}"` }
  }
  if (error.name === withoutReason && (error.status === 400 || error.status === 403)) return refusedSilently
  return byName[error.name] ?? byStatus(error.status) ?? byErrno(errno)
}

const refusedSilently: Verdict = {
  code: 'STORE_DENIED',
  hint: 'check the credentials and that they are not expired, the permissions s3:GetObject and s3:ListBucket, `region`, and the clock of this host',
}
const quotaUsed: Verdict = {
  code: 'SPACE_SHORT',
  hint: 'the quota of the bucket is used up: raise it, or remove what is not needed there',
}
const storeFull: Verdict = {
  code: 'SPACE_SHORT',
  hint: 'the store has no space left: give it more, or remove what is not needed there',
}
const clock = 'set the clock of this host (NTP): the store refuses requests that are minutes away from its own time'
const byName: Readonly<Record<string, Verdict | undefined>> = {
  NoSuchKey: { code: 'NOT_FOUND' },
  NotFound: { code: 'NOT_FOUND' },
  NoSuchUpload: { code: 'NOT_FOUND', hint: 'the upload was completed or aborted; begin again if the object is not there' },
  NoSuchBucket: { code: 'STORE_MISSING' },
  PermanentRedirect: { code: 'STORE_MISSING', hint: 'the bucket is in another region: correct `region` or `endpoint`' },
  InvalidBucketName: { code: 'STORE_MISSING', hint: 'no bucket can have this name; correct it' },
  SignatureDoesNotMatch: { code: 'STORE_DENIED', hint: 'the secret access key does not belong to the access key id' },
  InvalidAccessKeyId: { code: 'STORE_DENIED', hint: 'the store does not know this access key id' },
  ExpiredToken: { code: 'STORE_DENIED', hint: 'the session token has expired; get new credentials' },
  TokenRefreshRequired: { code: 'STORE_DENIED', hint: 'the session token has expired; get new credentials' },
  InvalidToken: { code: 'STORE_DENIED', hint: 'the store does not know this session token' },
  RequestTimeTooSkewed: { code: 'STORE_DENIED', hint: clock },
  RequestExpired: { code: 'STORE_DENIED', hint: clock },
  CredentialsProviderError: {
    code: 'STORE_DENIED',
    hint: 'no credentials were found: write `credentials: { accessKeyId: { file: keys/s3.id }, secretAccessKey: { file: keys/s3.secret } }` at the repository, or set up the profile, role or variables (AWS_ACCESS_KEY_ID, …) the AWS SDK looks for, for the worker as well',
  },
  AccessDenied: {
    code: 'STORE_DENIED',
    hint: 'the credentials are good, but lack a permission: s3:GetObject, PutObject, DeleteObject, ListBucket, AbortMultipartUpload, ListMultipartUploadParts, ListBucketMultipartUploads',
  },
  PreconditionFailed: { code: 'ALREADY_EXISTS' },
  ConditionalRequestConflict: { code: 'STORE_UNAVAILABLE' },
  OperationAborted: { code: 'STORE_UNAVAILABLE' },
  RequestTimeout: { code: 'STORE_UNAVAILABLE' },
  InvalidRange: { code: 'ARTIFACT_DAMAGED', hint: 'the object is shorter than it should be' },
  BadDigest: { code: 'ARTIFACT_DAMAGED', hint: 'what arrived is not what was read; the store has refused it' },
  XAmzContentChecksumMismatch: { code: 'ARTIFACT_DAMAGED', hint: 'what arrived is not what was read; the store has refused it' },
  InvalidObjectState: { code: 'NOT_SUPPORTED', hint: 'the object is archived: have it restored from the archive tier first' },
  AuthorizationHeaderMalformed: {
    code: 'STORE_MISSING',
    hint: 'the store does not take the region: correct `region` of the repository',
  },
  NotImplemented: { code: 'STORE_INCAPABLE' },
  QuotaExceeded: quotaUsed,
  XMinioAdminBucketQuotaExceeded: quotaUsed,
  XMinioStorageFull: storeFull,
}

function byStatus(status: number | undefined): Verdict | undefined {
  if (status === undefined) return undefined
  if (status === 401 || status === 403) return { code: 'STORE_DENIED' }
  if (status === 404) return { code: 'NOT_FOUND' }
  if (status === 412) return { code: 'ALREADY_EXISTS' }
  if (status === 501) return { code: 'STORE_INCAPABLE' }
  if (status === 507) return storeFull
  if (status === 429 || status >= 500) return { code: 'STORE_UNAVAILABLE' }
  if (status >= 300 && status < 400) return byName.PermanentRedirect
  return status >= 400 ? { code: 'INTERNAL' } : { code: 'STORE_UNAVAILABLE' }
}

const untrusted =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY|GET)_|CERT_|ERR_TLS_CERT_ALTNAME_INVALID)/

// Without an answer of the service the network is to blame, but for certificates, which no waiting makes good.
function byErrno(errno: string | undefined): Verdict {
  if (errno !== undefined && untrusted.test(errno)) {
    return { code: 'STORE_DENIED', hint: `the certificate of the store is not trusted (${errno}); see tls.caFile` }
  }
  if (errno === 'ENOTFOUND') return { code: 'STORE_UNAVAILABLE', hint: 'the name of the endpoint cannot be resolved' }
  if (errno === 'EPROTO')
    return { code: 'STORE_UNAVAILABLE', hint: 'is the endpoint http:// and not https://, or its port wrong?' }
  return { code: 'STORE_UNAVAILABLE' }
}

function readSdkError(error: unknown): SdkError {
  const fields = (typeof error === 'object' && error !== null ? error : {}) as {
    name?: unknown
    message?: unknown
    Region?: unknown
    $metadata?: { httpStatusCode?: number; attempts?: number }
    $response?: { headers?: Record<string, string> }
  }
  const header = fields.$response?.headers?.['x-amz-bucket-region']
  return {
    name: typeof fields.name === 'string' ? fields.name : 'Error',
    message: typeof fields.message === 'string' ? fields.message : String(error),
    status: fields.$metadata?.httpStatusCode,
    attempts: fields.$metadata?.attempts,
    bucketRegion: typeof fields.Region === 'string' ? fields.Region : header,
  }
}
