import { expect, test } from 'vitest'
import { redactText } from '../../src/domain/redact-text.js'

test.each([
  ['postgres://backup:hunter2@db1:5432/app', 'postgres://backup:[secret]@db1:5432/app'],
  ['could not parse "postgres://u:p@s/s@db1/x" as URI', 'could not parse "postgres://u:[secret]@db1/x" as URI'],
  ['host=db1 user=backup password=hunter2 dbname=x', 'host=db1 user=backup password=[secret] dbname=x'],
  [String.raw`host=db1 password='it\'s secret' dbname=x`, "host=db1 password='[secret]' dbname=x"],
  ['env PGPASSWORD=hunter2 pg_basebackup', 'env PGPASSWORD=[secret] pg_basebackup'],
  ['AWS_SECRET_ACCESS_KEY=wJalrXUt/nFEMI AWS_REGION=x', 'AWS_SECRET_ACCESS_KEY=[secret] AWS_REGION=x'],
  ['AWS_SESSION_TOKEN="a b" rest', 'AWS_SESSION_TOKEN="[secret]" rest'],
  ['GET /k?X-Amz-Signature=0a1b&X-Amz-Date=1', 'GET /k?X-Amz-Signature=[secret]&X-Amz-Date=1'],
  ['{"user":"u","password":"hun ter","port":1}', '{"user":"u","password":"[secret]","port":1}'],
  ['Authorization: AWS4-HMAC-SHA256 Credential=a, Signature=b\nnext', 'Authorization: [secret]\nnext'],
  ['sent Bearer abcdefghij.klm', 'sent Bearer [secret]'],
  ["ALTER ROLE backup PASSWORD 'hun''ter' LOGIN", "ALTER ROLE backup PASSWORD '[secret]' LOGIN"],
  ['-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- x', '[secret] x'],
])('%s is masked', (text, masked) => {
  expect(redactText(text)).toBe(masked)
  expect(redactText(masked)).toBe(masked)
})

test.each([
  'FATAL:  password authentication failed for user "backup"',
  's3://bucket/prefix at http://127.0.0.1:7070',
  'http://127.0.0.1:7070/a?mail=x@y',
  'write password: { env: NAME } instead',
  'fe_sendauth: no password supplied',
])('%s is left alone', (text) => {
  expect(redactText(text)).toBe(text)
})

test('given secrets are masked wherever they occur, the longest first, also percent-encoded', () => {
  expect(redactText('hunter22 hunter2 h%40x h@x', ['hunter2', 'hunter22', 'h@x', ''])).toBe('[secret] [secret] [secret] [secret]')
})

test('masking a secret twice does not mask the mask', () => {
  const once = redactText('the word secret', ['secret'])
  expect(redactText(once, ['secret'])).toBe('the word [secret]')
})

test('a megabyte without secrets takes no time worth speaking of', () => {
  const started = performance.now()
  redactText(`${'a'.repeat(500_000)}://${'token'.repeat(100_000)}`)
  expect(performance.now() - started).toBeLessThan(1000)
})
