import type { LoggedRequest, S3Operation } from '../servers/s3-proxy.js'

/** @param earlier requests to the same bucket */
type When = (request: LoggedRequest, earlier: readonly LoggedRequest[]) => boolean

export interface BadBucket {
  /** What the store answers; none: what is wrong is in the configuration. */
  readonly fault?: { readonly status: number; readonly s3Code: string; readonly when: When }
  readonly settings?: Readonly<Record<string, string>>
  readonly code: string
  readonly message: RegExp
  readonly hint: RegExp
  /** `denied`: what was sent cannot be removed either. */
  readonly removal?: 'denied'
  /** `blind`: what `doctor` tries out does not show it. */
  readonly doctor?: 'blind'
}

/** Of which a backup has no copy. Each repository is named for what is wrong with it, and has a bucket of that name. */
export const badForBackups: Readonly<Record<string, BadBucket>> = {
  'no-bucket': {
    settings: { bucket: 'not-made' },
    code: 'STORE_MISSING',
    message: /bucket "not-made"/,
    hint: /create the bucket/,
  },
  'wrong-region': {
    settings: { region: 'eu-west-9' },
    code: 'STORE_MISSING',
    message: /AuthorizationHeaderMalformed/,
    hint: /the bucket is in region "us-east-1", the configuration says "eu-west-9"/,
  },
  'skewed-clock': {
    fault: { status: 403, s3Code: 'RequestTimeTooSkewed', when: () => true },
    code: 'STORE_DENIED',
    message: /RequestTimeTooSkewed/,
    hint: /set the clock of this host/,
    removal: 'denied',
  },
  'token-expired': {
    fault: { status: 400, s3Code: 'ExpiredToken', when: allFrom(isPartAfter(2)) },
    code: 'STORE_DENIED',
    message: /ExpiredToken/,
    hint: /session token has expired; get new credentials/,
    removal: 'denied',
  },
  'quota-used': {
    fault: { status: 403, s3Code: 'QuotaExceeded', when: isPartAfter(1) },
    code: 'SPACE_SHORT',
    message: /part \d of .*QuotaExceeded/,
    hint: /quota of the bucket is used up: raise it/,
    doctor: 'blind',
  },
  'store-full': {
    fault: { status: 507, s3Code: 'XMinioStorageFull', when: isPartAfter(1) },
    code: 'SPACE_SHORT',
    message: /part \d of .*XMinioStorageFull/,
    hint: /no space left: give it more/,
    doctor: 'blind',
  },
  // Answers to HEAD have no body; the GET that asks for the reason is allowed here and tells none.
  'may-not-look': { ...forbidden('Head', /head of .* answered 403 and gave no reason/), hint: /permissions s3:GetObject/ },
  'may-not-put': forbidden('Put', /put of /),
  'may-not-list-uploads': { ...forbidden('ListUploads', /uploads below /), removal: 'denied' },
  'may-not-begin': forbidden('Begin', /beginning an upload of /),
  'may-not-send-parts': forbidden('PutPart', /part \d of /),
  'may-not-complete': forbidden('Complete', /completing the upload of /),
  'may-not-read': { ...forbidden('Get', /get of /), removal: 'denied' },
}

/** Of which a backup has its copy: what is forbidden is needed when something fails, or when backups are looked at. */
export const badForDoctorAlone: Readonly<Record<string, BadBucket>> = {
  'may-not-list': forbidden('List', /list of /),
  'may-not-delete': forbidden('DeleteMany', /delete of /),
}

function forbidden(operation: S3Operation, message: RegExp): BadBucket {
  const when: When = (request) => request.operation === operation
  return { fault: { status: 403, s3Code: 'AccessDenied', when }, code: 'STORE_DENIED', message, hint: /lack a permission: s3:/ }
}

function isPartAfter(number: number): When {
  return ({ operation, partNumber = 0 }) => operation === 'PutPart' && partNumber > number
}

function allFrom(first: When): When {
  return (request, earlier) => first(request, earlier) || earlier.some(({ answeredBy }) => answeredBy === 'proxy')
}
