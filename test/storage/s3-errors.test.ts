import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ObjectKey } from '../../src/domain/ids.js'
import { redactText } from '../../src/domain/redact-text.js'
import { freePort } from '../servers/free-port.js'
import type { S3Proxy } from '../servers/s3-proxy.js'
import { codeOf, collect, errorOf } from './store-reading.js'
import { errorBody, is, openTroubledBucket, type TroubledBucket } from './troubled-bucket.js'

let bucket: TroubledBucket
let proxy: S3Proxy
const key = (text: string) => text as ObjectKey

beforeAll(async () => {
  bucket = await openTroubledBucket()
  proxy = bucket.proxy
})
afterAll(async () => {
  await bucket?.stop()
})

it.each([
  [403, 'SignatureDoesNotMatch', 'STORE_DENIED', /secret access key/],
  [403, 'InvalidAccessKeyId', 'STORE_DENIED', /does not know this access key/],
  [400, 'ExpiredToken', 'STORE_DENIED', /expired/],
  [403, 'RequestTimeTooSkewed', 'STORE_DENIED', /clock/],
  [403, 'AccessDenied', 'STORE_DENIED', /permission/],
  [401, 'Unauthorized', 'STORE_DENIED', /credentials/],
  [404, 'NoSuchBucket', 'STORE_MISSING', /bucket/],
  [301, 'PermanentRedirect', 'STORE_MISSING', /region/],
  [503, 'SlowDown', 'STORE_UNAVAILABLE', /endpoint/],
  [429, 'TooManyRequests', 'STORE_UNAVAILABLE', /endpoint/],
  [500, 'InternalError', 'STORE_UNAVAILABLE', /endpoint/],
  [409, 'ConditionalRequestConflict', 'STORE_UNAVAILABLE', /endpoint/],
  [507, 'InsufficientStorage', 'SPACE_SHORT', /space/],
  [403, 'QuotaExceeded', 'SPACE_SHORT', /quota of the bucket is used up: raise it/],
  [400, 'XMinioAdminBucketQuotaExceeded', 'SPACE_SHORT', /quota/],
  [501, 'NotImplemented', 'STORE_INCAPABLE', /doctor/],
  [400, 'BadDigest', 'STORE_UNAVAILABLE', /changed on the way/],
])('takes %i %s for %s, %s', async (status, name, code, hint) => {
  const store = bucket.open({ maxAttempts: 1 })
  proxy.failNext(is('Put'), status, errorBody(name))
  const error = await errorOf(store.put(key('errors/a'), Buffer.from('x'), { ifAbsent: false }))
  expect(error?.code).toBe(code)
  expect(error?.hint).toMatch(hint)
  expect(error?.message).toMatch(/put of "errors\/a" in bucket "backups"/)
  expect(error?.message).toContain(name)
})

it('names the region a bucket is really in', async () => {
  const store = bucket.open({ maxAttempts: 1 })
  const body = `<Error><Code>AuthorizationHeaderMalformed</Code><Message>wrong</Message><Region>eu-west-3</Region></Error>`
  proxy.failNext(is('Put'), 400, body)
  const error = await errorOf(store.put(key('errors/region'), Buffer.from('x'), { ifAbsent: true }))
  expect(error).toMatchObject({ code: 'STORE_MISSING', hint: expect.stringContaining('"eu-west-3"') })
})

it('asks for the reason of a HEAD that is refused, for its answer has no room for one', async () => {
  const store = bucket.open({ maxAttempts: 1 })
  proxy.failNext(is('Head'), 403)
  proxy.failNext(is('Get'), 403, errorBody('RequestTimeTooSkewed'))
  expect(await errorOf(store.head(key('errors/head')))).toMatchObject({
    code: 'STORE_DENIED',
    message: expect.stringMatching(/head of "errors\/head" .*said the test \(RequestTimeTooSkewed\)$/),
    hint: expect.stringContaining('clock'),
  })
})

it.each([400, 403])('says of a HEAD refused with %i, where a GET is not, that no reason was given', async (status) => {
  const store = bucket.open({ maxAttempts: 1 })
  proxy.failNext(is('Head'), status)
  expect(await errorOf(store.head(key('errors/head')))).toMatchObject({
    code: 'STORE_DENIED',
    message: expect.stringContaining(`the store answered ${status} and gave no reason`),
    hint: expect.stringMatching(/credentials.*permissions.*`region`.*clock/),
  })
})

it('says of an expired token what the store says, and nothing of it is taken for a token', async () => {
  const store = bucket.open({ maxAttempts: 1 })
  proxy.failNext(is('Put'), 400, errorBody('ExpiredToken'))
  const error = await errorOf(store.put(key('errors/token'), Buffer.from('x'), { ifAbsent: false }))
  expect(redactText(error?.message ?? '')).toMatch(/failed: said the test \(ExpiredToken\)$/)
})

it.each(['Get', 'List', 'ListUploads', 'Begin', 'PutPart', 'Complete', 'DeleteMany'] as const)(
  'a probe fails where %s is forbidden: backups or restores would',
  async (operation) => {
    const ends = proxy.failAll(is(operation), 403, errorBody('AccessDenied'))
    const error = await errorOf(bucket.open({ maxAttempts: 1 }).probe()).finally(ends)
    expect(error).toMatchObject({ code: 'STORE_DENIED', hint: expect.stringContaining('lack a permission') })
  },
)

it('keeps secrets and tokens out of errors, also those a store repeats', async () => {
  const credentials = {
    accessKeyId: bucket.server.accessKeyId,
    secretAccessKey: 'wrong-secret-value',
    sessionToken: 'token-value',
  }
  const store = bucket.open({ credentials })
  const echo = `<Error><Code>SignatureDoesNotMatch</Code><CanonicalRequest>x-amz-security-token:token-value</CanonicalRequest></Error>`
  proxy.failNext(is('Head'), 403)
  proxy.failNext(is('Put'), 403, echo)
  const errors = [
    await errorOf(store.put(key('errors/secret'), Buffer.from('x'), { ifAbsent: true })),
    await errorOf(store.put(key('errors/secret'), Buffer.from('x'), { ifAbsent: true })),
    await errorOf(store.head(key('errors/secret'))),
  ]
  expect(errors.map((error) => error?.code)).toEqual(['STORE_DENIED', 'STORE_DENIED', 'STORE_DENIED'])
  expect(inspect(errors, { depth: 10, showHidden: true })).not.toMatch(/wrong-secret-value|token-value/)
})

it('says that the store is unavailable when nobody listens', async () => {
  const store = bucket.open({ endpoint: `http://127.0.0.1:${await freePort()}`, maxAttempts: 2 })
  expect(await codeOf(store.head(key('down')))).toBe('STORE_UNAVAILABLE')
  expect(await codeOf(collect(store.list('')))).toBe('STORE_UNAVAILABLE')
})
